import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Store, StoreUnavailableError } from '../store/port.js';
import type { TallyRecord } from '../store/records.js';
import { AuthError } from './errors.js';
import type { TallyDraft } from './throttle-decision.js';
import { Turns } from './turns.js';

/** A compare-and-set is lost to another process alone: within this one, changes of a tally take turns. */
const mostTries = 40;
const longestPauseMs = 10;
/** Longer than this nobody waits for a tally that everybody wants, unless it is to settle what was begun. */
const longestWaitMs = 2_000;

/** What is to become of a tally: `draft` null leaves it. */
export interface TallyChange<T> {
  readonly draft: TallyDraft | null;
  readonly result: T;
}

/** Tallies in the store, changed by compare-and-set: read, decide, write; whoever loses reads and decides again. */
export class Tallies {
  private readonly turns = new Turns();
  /** When the store last did not answer, by the monotonic clock. */
  private outageAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly store: Pick<Store, 'findTallies' | 'replaceTally'>) {}

  /** By key, those that there are. Throws `StoreUnavailableError`. */
  async find(keys: readonly string[]): Promise<ReadonlyMap<string, TallyRecord>> {
    return new Map((await this.store.findTallies(keys)).map((tally) => [tally.key, tally]));
  }

  /**
   * Applies a pure decision to the tally as it is, and gives its result. Throws `StoreUnavailableError` (the change may have been made), and
   * `AuthError` `RATE_LIMITED` when too many want the same tally.
   */
  change<T>(key: string, decide: (tally: TallyRecord | null) => TallyChange<T>, patienceMs = longestWaitMs): Promise<T> {
    const askedAt = performance.now();
    return this.turns.run(key, async () => {
      // Each of a long line would find out in its own 3 s what the first of it knows.
      if (this.outageAt > askedAt) throw new StoreUnavailableError();
      try {
        return await this.apply(key, decide, askedAt + patienceMs);
      } catch (error) {
        if (error instanceof StoreUnavailableError) this.outageAt = performance.now();
        throw error;
      }
    });
  }

  private async apply<T>(key: string, decide: (tally: TallyRecord | null) => TallyChange<T>, giveUpAt: number): Promise<T> {
    for (let tries = 0; tries < mostTries && performance.now() < giveUpAt; tries += 1) {
      if (tries > 0) await delay(Math.random() * longestPauseMs);
      const [tally = null] = await this.store.findTallies([key]);
      const { draft, result } = decide(tally);
      if (draft === null || (await this.store.replaceTally({ ...draft, stamp: randomUUID() }, tally?.stamp ?? null))) return result;
    }
    throw new AuthError('RATE_LIMITED', { retryAfter: 1 });
  }
}
