import mongoose from 'mongoose';
import { DuplicateError, StoreUnavailableError } from '../port.js';

/** How long one step may wait for a server, a connection or its turn. */
export const waitTimeoutMs = 2_000;
/** A verb is given up after this; the port allows 3 s. (The driver's own `timeoutMS` has no effect any more.) */
const verbTimeoutMs = 2_400;

/** Every verb runs through here: bounded in time, counted for `close`, and its errors translated. */
export class Guard {
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  /**
   * Rejects with `StoreUnavailableError` when the verb fails or takes too long; then it may still take effect, and what comes back after
   * all is given to `onLate`.
   */
  async run<T>(verb: () => Promise<T>, onLate?: (result: T) => void): Promise<T> {
    if (this.closed) throw new StoreUnavailableError(new Error('the store is closed'));
    const running = verb();
    this.underWay.add(running);
    try {
      return await withDeadline(running);
    } catch (error) {
      if (onLate !== undefined) running.then(onLate, () => {});
      throw asStoreError(error);
    } finally {
      this.underWay.delete(running);
    }
  }

  /** Takes no more verbs and resolves when those under way are settled. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.underWay);
  }
}

/** The fields of the unique index that a write ran into; null for any other error. */
export function duplicateKey(error: unknown): readonly string[] | null {
  const { MongoServerError } = mongoose.mongo;
  if (!(error instanceof MongoServerError && error.code === 11_000)) return null;
  return Object.keys((error.keyPattern as object | undefined) ?? {});
}

async function withDeadline<T>(running: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${verbTimeoutMs} ms`)), verbTimeoutMs);
  });
  try {
    return await Promise.race([running, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** What callers of the port may see: its own errors and faults of the caller pass, everything of the driver is hidden. */
function asStoreError(error: unknown): unknown {
  const { CastError, StrictModeError } = mongoose.Error;
  const passes = error instanceof DuplicateError || error instanceof CastError || error instanceof StrictModeError;
  return passes || error instanceof StoreUnavailableError ? error : new StoreUnavailableError(error);
}
