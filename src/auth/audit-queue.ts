import { AsyncResource } from 'node:async_hooks';
import type { Store } from '../store/port.js';
import type { AuditRecord } from '../store/records.js';
import type { Log } from './log.js';

/** Beyond this many waiting events (like ones counted as one) new ones are lost. */
const mostWaiting = 10_000;
/** So many are on their way to the store at once. */
const writtenAtOnce = 20;

interface Waiting {
  readonly event: AuditRecord;
  /** Like events that come while this one waits are added to it. */
  readonly isCounted: boolean;
}

interface AuditQueueDeps {
  readonly store: Pick<Store, 'appendAudit' | 'countAudit'>;
  readonly log: Log;
}

/**
 * Events of acts that do not wait for the log: written at once in the background, and kept while the store does not answer. What does not
 * fit, and what a stop finds unwritten, is lost, and the log says how many.
 */
export class AuditQueue {
  private readonly waiting = new Map<string, Waiting>();
  private draining: Promise<void> | null = null;
  /** What is written here belongs to no request, and to no trace of one, though a request's call sets it off. */
  private readonly background = new AsyncResource('AuditQueue');
  private lost = 0;

  constructor(private readonly deps: AuditQueueDeps) {}

  /** Never throws. */
  put(event: AuditRecord, isCounted: boolean): void {
    const before = this.waiting.get(event.id);
    if (before === undefined && this.waiting.size >= mostWaiting) {
      if (this.lost === 0) this.deps.log.error({ waiting: mostWaiting }, 'the audit log cannot be written: from now on events are lost');
      this.lost += event.count;
      return;
    }
    const merged = before === undefined ? event : { ...before.event, count: before.event.count + event.count };
    this.waiting.set(event.id, { event: merged, isCounted });
    this.flush();
  }

  /** Writes what waits. Resolves when nothing is left or the store did not answer; what is left then is written at the next call. */
  flush(): Promise<void> {
    this.draining ??= this.background.runInAsyncScope(() => this.drain());
    return this.draining;
  }

  /** Writes what waits, for the last time. */
  async close(): Promise<void> {
    await this.flush();
    const left = [...this.waiting.values()].reduce((sum, { event }) => sum + event.count, 0);
    if (left > 0) this.deps.log.error({ events: left }, 'events of the audit log were lost at the stop');
    this.waiting.clear();
  }

  private async drain(): Promise<void> {
    // So that whoever puts an event has nothing to do with its writing, not even with a fault of it.
    await null;
    try {
      await this.writeAll();
    } finally {
      // Here and not when the promise has settled: what is put in between would find nobody to write it.
      this.draining = null;
    }
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = [...this.waiting.values()].slice(0, writtenAtOnce);
      for (const { event } of batch) this.waiting.delete(event.id);
      const results = await Promise.allSettled(batch.map((entry) => this.write(entry)));
      const failed = batch.filter((_, index) => results[index]?.status === 'rejected');
      for (const entry of failed) this.putBack(entry);
      const reason = results.find((result) => result.status === 'rejected')?.reason as unknown;
      if (failed.length > 0) {
        this.deps.log.warn(
          { err: reason, waiting: this.waiting.size },
          'events of the audit log could not be written; they are tried again',
        );
        return;
      }
    }
    if (this.lost === 0) return;
    this.deps.log.error({ events: this.lost }, 'events of the audit log were lost while it could not be written');
    this.lost = 0;
  }

  private write({ event, isCounted }: Waiting): Promise<void> {
    return isCounted ? this.deps.store.countAudit(event) : this.deps.store.appendAudit([event]);
  }

  /** Like events may have come meanwhile; the older of the two is the first. */
  private putBack({ event, isCounted }: Waiting): void {
    const newer = this.waiting.get(event.id);
    this.waiting.set(event.id, { event: newer === undefined ? event : { ...event, count: event.count + newer.event.count }, isCounted });
  }
}
