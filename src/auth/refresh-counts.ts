import { AsyncResource } from 'node:async_hooks';
import type { EpochMs } from '../store/records.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { Tallies } from './tallies.js';
import { decideQuota, type QuotaPolicy, spent } from './throttle-decision.js';

/** The store is told by so many at once: a write for each refresh would cost as much as the refresh. */
const toldAtOnce = 100;
/** Beyond this many networks the one that came first is forgotten. */
const mostNetworks = 10_000;

interface Counted {
  untold: number;
  refusedUntil: EpochMs;
}

interface RefreshCountsDeps {
  readonly tallies: Tallies;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: QuotaPolicy;
}

/**
 * Refreshes by network, counted in memory and told to the store in the background: nobody waits for it, and a store that does not answer
 * stops nobody. So the limit is passed by some hundreds a process at most.
 */
export class RefreshCounts {
  private readonly networks = new Map<string, Counted>();
  private readonly telling = new Set<Promise<void>>();
  /** What is written here belongs to no request, and to no trace of one. */
  private readonly background = new AsyncResource('RefreshCounts');

  constructor(private readonly deps: RefreshCountsDeps) {}

  /** Counts one more. How long it is to wait, in milliseconds: 0 where it may go on. */
  note(key: string): number {
    const counted = this.networks.get(key) ?? { untold: 0, refusedUntil: 0 };
    const left = Math.min(counted.refusedUntil - this.deps.clock.now(), this.deps.policy.windowMs);
    if (left > 0) return left;
    counted.untold += 1;
    this.keep(key, counted);
    if (counted.untold >= toldAtOnce) this.tell(key, counted);
    return 0;
  }

  /** Resolves when what was begun is written, or the store did not answer. */
  async settle(): Promise<void> {
    await Promise.all(this.telling);
  }

  private keep(key: string, counted: Counted): void {
    const oldest = this.networks.size >= mostNetworks && !this.networks.has(key) ? this.networks.keys().next().value : undefined;
    if (oldest !== undefined) this.networks.delete(oldest);
    this.networks.set(key, counted);
  }

  private tell(key: string, counted: Counted): void {
    const amount = counted.untold;
    counted.untold = 0;
    const told = this.background.runInAsyncScope(() => this.write(key, counted, amount)).finally(() => this.telling.delete(told));
    this.telling.add(told);
  }

  private async write(key: string, counted: Counted, amount: number): Promise<void> {
    const { tallies, clock, log, policy } = this.deps;
    try {
      const now = clock.now();
      const decision = await tallies.change(key, (tally) => ({
        draft: spent(tally, key, amount, now, policy),
        result: decideQuota(tally, amount, now, policy),
      }));
      if (decision.kind === 'delay') counted.refusedUntil = now + decision.ms;
    } catch (error) {
      log.warn({ err: error }, 'refreshes could not be counted, and are not limited meanwhile');
    }
  }
}
