import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import bcrypt from 'bcrypt';
import { networkOf } from './binding.js';
import { HashQueue } from './hash-queue.js';
import { type Meter, noMeter } from './meter.js';
import { longestPasswordUnits } from './password-rules.js';
import type { OpenedKey } from './server-keys.js';

interface PasswordsConfig {
  readonly bcryptCost: number;
  readonly hashThreads: number;
}

interface Stored {
  readonly pepperId: string;
  readonly hash: string;
}

/** `lk1$<pepper id>$2b$12$...`: the pepper's id stands beside the hash, so that a pepper can be replaced sign-in by sign-in. */
const storedForm = /^lk1\$([0-9a-f]{8})(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53})$/;

function parse(stored: string): Stored | null {
  const [, pepperId, hash] = storedForm.exec(stored) ?? [];
  return pepperId === undefined || hash === undefined ? null : { pepperId, hash };
}

/** How long one hash takes on this machine at this cost, in milliseconds; each step of cost doubles it. */
export async function measureHash(cost: number): Promise<number> {
  const startedAt = performance.now();
  await bcrypt.hash(randomBytes(48).toString('base64'), cost);
  return performance.now() - startedAt;
}

/**
 * bcrypt over `base64(HMAC-SHA-384(NFC(password), pepper))`: 64 characters, so that nothing is cut at bcrypt's 72 bytes, and a
 * dump of the database without the secret cannot even be guessed at.
 */
export class Passwords {
  private constructor(
    private readonly config: PasswordsConfig,
    private readonly peppers: ReadonlyMap<string, KeyObject>,
    private readonly currentPepperId: string,
    private readonly queue: HashQueue,
    /** A real hash of a password that nobody has: an unknown login must cost what a wrong password costs. */
    private readonly decoy: string,
  ) {}

  /** `pepperKeys` in order of sequence, at least one; the last one is used for new hashes. */
  static async open(
    config: PasswordsConfig,
    pepperKeys: readonly OpenedKey[],
    meter: Pick<Meter, 'hashAsked'> = noMeter,
  ): Promise<Passwords> {
    const peppers = new Map(pepperKeys.map(({ record, material }) => [record.id, createSecretKey(material)]));
    const startedAt = performance.now();
    const decoy = await bcrypt.hash(randomBytes(48).toString('base64'), config.bcryptCost);
    const queue = new HashQueue(config.hashThreads, performance.now() - startedAt, meter);
    return new Passwords(config, peppers, pepperKeys.at(-1)?.record.id ?? '', queue, decoy);
  }

  /** Throws `AuthError` `RATE_LIMITED` when the queue is full for this network by now. */
  refuseIfFull(ipAddress: string | null): void {
    this.queue.refuseIfFull(networkOf(ipAddress));
  }

  /** The form to store. Throws `AuthError` `RATE_LIMITED` when the queue is full. */
  hash(password: string, ipAddress: string | null): Promise<string> {
    return this.queue.run(networkOf(ipAddress), async () => {
      const hash = await bcrypt.hash(this.prepare(password, this.currentPepperId), this.config.bcryptCost);
      return `lk1$${this.currentPepperId}${hash}`;
    });
  }

  /**
   * Whether the password fits. With null (there is no account, or it has no password) the answer is false after the same work.
   * Throws `AuthError` `RATE_LIMITED` when the queue is full.
   */
  verify(password: string, stored: string | null, ipAddress: string | null): Promise<boolean> {
    const parsed = stored === null || password.length > longestPasswordUnits ? null : parse(stored);
    const known = parsed !== null && this.peppers.has(parsed.pepperId) ? parsed : null;
    return this.queue.run(networkOf(ipAddress), async () => {
      const prepared = this.prepare(password.slice(0, longestPasswordUnits), known?.pepperId ?? this.currentPepperId);
      const matches = await bcrypt.compare(prepared, known?.hash ?? this.decoy);
      if (matches && known !== null) return true;
      await this.workOff(prepared, known);
      return false;
    });
  }

  /**
   * A hash from before the cost was raised is compared sooner than the decoy, which would tell that the login exists. Each step of
   * cost doubles the work, so hashing once at each cost from the old one to the present one less one makes up for it exactly.
   */
  private async workOff(prepared: string, known: Stored | null): Promise<void> {
    const cost = known === null ? this.config.bcryptCost : bcrypt.getRounds(known.hash);
    for (let rounds = cost; rounds < this.config.bcryptCost; rounds += 1) await bcrypt.hash(prepared, rounds);
  }

  /** Whether a matching password should be hashed anew: an older cost or pepper. */
  isOutdated(stored: string): boolean {
    const parsed = parse(stored);
    return parsed === null || parsed.pepperId !== this.currentPepperId || bcrypt.getRounds(parsed.hash) !== this.config.bcryptCost;
  }

  private prepare(password: string, pepperId: string): string {
    const pepper = this.peppers.get(pepperId);
    if (pepper === undefined) throw new Error('no pepper of this id');
    return createHmac('sha384', pepper).update(password.normalize('NFC'), 'utf8').digest('base64');
  }
}
