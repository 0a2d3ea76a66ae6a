import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { OpenedKey } from './server-keys.js';

/** Lets secret scanners recognise a leaked token. */
const prefix = 'lk_rt_';
const idBytes = 16;
const keyIdBytes = 4;
const bodyBytes = idBytes + 4 + keyIdBytes;
const tokenBytes = bodyBytes + 32;
const domain = Buffer.from('latchkey refresh token v1\0', 'utf8');

/** What an authentic refresh token says: a session, and how often its token had been rotated. */
export interface RefreshTokenContent {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * Refresh tokens are computed, never stored: session id, generation, key id and an HMAC-SHA-256 over them. So every node gives
 * the same successor to the same token, also after a restart, and a database dump holds none.
 */
export class RefreshTokens {
  private readonly keys: ReadonlyMap<string, KeyObject>;
  private readonly currentKeyId: string;

  /** `keys` in order of sequence, at least one; the last one makes new tokens. */
  constructor(keys: readonly OpenedKey[]) {
    this.keys = new Map(keys.map(({ record, material }) => [record.id, createSecretKey(material)]));
    this.currentKeyId = keys.at(-1)?.record.id ?? '';
  }

  mint({ sessionId, generation }: RefreshTokenContent): string {
    const body = Buffer.alloc(bodyBytes);
    body.write(sessionId.replaceAll('-', ''), 0, 'hex');
    body.writeUInt32BE(generation, idBytes);
    body.write(this.currentKeyId, idBytes + 4, 'hex');
    return prefix + Buffer.concat([body, this.mac(this.currentKeyId, body)]).toString('base64url');
  }

  /** Null for anything that this server's keys did not make, in its one canonical spelling. Never asks the store. */
  read(token: string): RefreshTokenContent | null {
    if (!token.startsWith(prefix) || token.length > 128) return null;
    const encoded = token.slice(prefix.length);
    const bytes = Buffer.from(encoded, 'base64url');
    if (bytes.length !== tokenBytes || bytes.toString('base64url') !== encoded) return null;
    const body = bytes.subarray(0, bodyBytes);
    const keyId = body.toString('hex', idBytes + 4);
    if (!this.keys.has(keyId) || !timingSafeEqual(this.mac(keyId, body), bytes.subarray(bodyBytes))) return null;
    return { sessionId: uuidOf(body.toString('hex', 0, idBytes)), generation: body.readUInt32BE(idBytes) };
  }

  private mac(keyId: string, body: Buffer): Buffer {
    const key = this.keys.get(keyId);
    if (key === undefined) throw new Error('no refresh-token key of this id');
    return createHmac('sha256', key).update(domain).update(body).digest();
  }
}

const uuidOf = (hex: string): string => `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
