import { decrypt, encrypt } from './encryption.js';
import type { OpenedKey } from './server-keys.js';

/** Ties a ciphertext to its mail, so that mails in the store cannot be swapped for one another. */
const placeOf = (mailId: string): Buffer => Buffer.from(JSON.stringify(['latchkey mail v1', mailId]), 'utf8');

/** Encrypts what waits in the outbox: the links in it let their holders in, and a database dump alone must not. */
export class MailSeal {
  private readonly key: Buffer;

  /** `keys`: of the purpose `outbox`, of which there is one. */
  constructor([key]: readonly OpenedKey[]) {
    if (key === undefined) throw new Error('the key of the outbox is missing');
    this.key = key.material;
  }

  seal(mailId: string, text: string): string {
    return encrypt(this.key, placeOf(mailId), Buffer.from(text, 'utf8'));
  }

  /** Null when it was changed, or is another mail's. */
  open(mailId: string, sealed: string): string | null {
    return decrypt(this.key, placeOf(mailId), sealed)?.toString('utf8') ?? null;
  }
}
