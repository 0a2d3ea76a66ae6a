import mongoose from 'mongoose';
import { DuplicateError, StoreUnavailableError } from '../port.js';

/** What follows it is taken along, so that the URL without it is whole. */
const timeoutOption = /(?<=[?&])timeoutMS=(\d{1,9})(?:&|$)/i;

/** Milliseconds. The port allows a verb 3 s, unless the operator says that the database is slow. */
export interface TimeLimits {
  /** A verb is given up after this. */
  readonly verb: number;
  /** How long one step of it may wait for a server, a connection or its turn. */
  readonly wait: number;
}

/**
 * By `timeoutMS` of the URL: a standard option that the driver has given up. From 100 to 60,000 ms (what is beyond is brought within), 2,400
 * when it is not there.
 */
export function timeLimits(url: string): TimeLimits {
  const [, given] = timeoutOption.exec(url) ?? [];
  const verb = given === undefined ? 2_400 : Math.min(Math.max(Number(given), 100), 60_000);
  return { verb, wait: Math.round((verb * 5) / 6) };
}

/** The driver warns of an option that it has given up. */
export const withoutTimeout = (url: string): string => url.replace(timeoutOption, '');

/** Every verb runs through here: bounded in time, counted for `close`, and its errors translated. */
export class Guard {
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  constructor(readonly limits: TimeLimits) {}

  /**
   * Rejects with `StoreUnavailableError` when the verb fails or takes too long; then it may still take effect, and what comes back after
   * all is given to `onLate`.
   */
  async run<T>(verb: () => Promise<T>, onLate?: (result: T) => void): Promise<T> {
    if (this.closed) throw new StoreUnavailableError(new Error('the store is closed'));
    const running = verb();
    this.underWay.add(running);
    try {
      return await withDeadline(running, this.limits.verb);
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

async function withDeadline<T>(running: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
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
