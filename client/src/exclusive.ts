import type { Clock, Locks } from './platform.js';

export interface ExclusiveDeps {
  readonly name: string;
  /** Null: exclusive within this tab alone. */
  readonly locks: Locks | null;
  readonly clock: Clock;
  /** Milliseconds to wait for other tabs. A tab that was frozen in the middle of its work keeps its lock. */
  readonly waitMs: number;
}

/** One piece of work at a time, in this tab and, by Web Locks, in all tabs. */
export class Exclusive {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: ExclusiveDeps) {}

  /**
   * What `work` resolves or rejects with. It always runs: where the lock cannot be had in time, or not at all, it runs without, for a
   * second refresh at the same time does no harm and a page that waits for ever does.
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(() => this.withLock(work));
    this.last = result.catch(() => undefined);
    return result;
  }

  private async withLock<T>(work: () => Promise<T>): Promise<T> {
    const { name, locks, clock, waitMs } = this.deps;
    if (locks === null) return work();
    const waiting = new AbortController();
    const timer = clock.setTimeout(() => waiting.abort(), waitMs);
    // Set by the callback; a promise of its own, so that a failure of the lock and one of the work cannot be confused.
    let result: Promise<T> | undefined;
    try {
      await locks.request(name, { signal: waiting.signal }, async () => {
        clock.clearTimeout(timer);
        result = work();
        await result.catch(() => undefined);
      });
    } catch {
      clock.clearTimeout(timer);
    }
    return result ?? work();
  }
}
