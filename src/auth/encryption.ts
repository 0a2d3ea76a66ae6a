import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** AES-256-GCM (NIST SP 800-38D) under a key of 32 bytes; `place` ties the ciphertext to where it belongs. */
export function encrypt(key: Buffer, place: Buffer, material: Buffer): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(place);
  const body = Buffer.concat([cipher.update(material), cipher.final()]);
  return Buffer.concat([iv, body, cipher.getAuthTag()]).toString('base64url');
}

/** Null when the key or the place is another, or the ciphertext was changed. */
export function decrypt(key: Buffer, place: Buffer, ciphertext: string): Buffer | null {
  const bytes = Buffer.from(ciphertext, 'base64url');
  if (bytes.length < 28) return null;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(place).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  } catch {
    return null;
  }
}
