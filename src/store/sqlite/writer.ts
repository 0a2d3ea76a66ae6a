import { DuplicateError, StoreUnavailableError } from '../port.js';
import type { Checkpointer } from './checkpointer.js';
import { type Connection, UnbindableError } from './connection.js';
import { isBusy, patienceMs } from './retry.js';

interface Job {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly giveUpAt: number;
}
type Outcome = { readonly value: unknown } | { readonly error: unknown };

const busyPauseMs = 15;
/** Keeps the time that one commit blocks the event loop within some tens of milliseconds. */
const maxJobsPerCommit = 1_000;

/**
 * Group commit: writes that arrive in the same turn of the event loop share one transaction and its fsync, each in its own
 * savepoint with its own result. A write's promise settles only after the commit.
 */
export class Writer {
  private queue: Job[] = [];
  private scheduled = false;
  private closed = false;
  private idle: (() => void)[] = [];
  private commitCount = 0;

  constructor(
    private readonly connection: Connection,
    private readonly checkpointer: Checkpointer | null,
    /** Told of each commit before the promises of its writes settle. */
    private readonly onCommit: () => void,
  ) {}

  /** Commits so far. */
  get commits(): number {
    return this.commitCount;
  }

  /** Runs `job` inside the next transaction. Rejects with what `job` throws, or `StoreUnavailableError`. */
  write<T>(job: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new StoreUnavailableError(new Error('the store is closed')));
    return new Promise<T>((resolve, reject) => {
      this.queue.push({
        run: job,
        resolve: (value) => resolve(value as T),
        reject,
        giveUpAt: performance.now() + patienceMs,
      });
      this.schedule();
    });
  }

  /** Takes no more writes and resolves when those under way are settled. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.queue.length > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    if (!this.begin()) return;
    const batch = this.queue.splice(0, maxJobsPerCommit);
    try {
      const outcomes = batch.map((job) => this.runInSavepoint(job));
      this.connection.run('COMMIT');
      this.commitCount += 1;
      this.onCommit();
      for (const [index, job] of batch.entries()) settle(job, outcomes[index]);
      this.checkpointer?.afterCommit();
    } catch (error) {
      this.rollBack();
      for (const job of batch) job.reject(new StoreUnavailableError(error));
    }
    this.proceed();
  }

  /** False when the transaction could not be begun: the writes are rejected, or wait for another attempt. */
  private begin(): boolean {
    try {
      this.connection.run('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      const now = performance.now();
      const waiting = isBusy(error) ? this.queue.filter((job) => job.giveUpAt > now) : [];
      for (const job of this.queue) if (!waiting.includes(job)) job.reject(new StoreUnavailableError(error));
      this.queue = waiting;
      if (waiting.length > 0) {
        this.scheduled = true;
        setTimeout(() => this.flush(), busyPauseMs);
      } else {
        this.proceed();
      }
      return false;
    }
  }

  private runInSavepoint(job: Job): Outcome {
    this.connection.run('SAVEPOINT job');
    try {
      const value = job.run();
      this.connection.run('RELEASE job');
      return { value };
    } catch (error) {
      this.undoSavepoint(error);
      return { error: asStoreError(error) };
    }
  }

  /** A full disk or an I/O error has rolled back everything, savepoint included: then the whole batch fails, by its own cause. */
  private undoSavepoint(cause: unknown): void {
    try {
      this.connection.run('ROLLBACK TO job');
      this.connection.run('RELEASE job');
    } catch {
      throw cause;
    }
  }

  private rollBack(): void {
    try {
      if (this.connection.inTransaction) this.connection.run('ROLLBACK');
    } catch {
      // The connection is unusable; the next write's BEGIN says so.
    }
  }

  private proceed(): void {
    if (this.queue.length > 0) {
      this.schedule();
      return;
    }
    for (const resolve of this.idle.splice(0)) resolve();
  }
}

/** What callers of the port may see: its own errors and faults of the caller pass, everything of the engine is hidden. */
export function asStoreError(error: unknown): unknown {
  const passes = error instanceof DuplicateError || error instanceof UnbindableError || error instanceof StoreUnavailableError;
  return passes ? error : new StoreUnavailableError(error);
}

function settle(job: Job, outcome: Outcome | undefined): void {
  if (outcome === undefined) job.reject(new StoreUnavailableError());
  else if ('error' in outcome) job.reject(outcome.error);
  else job.resolve(outcome.value);
}
