import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/port.js';
import type { TallyRecord } from '../store/records.js';
import { AuthError } from './errors.js';
import type { TallyDraft } from './throttle-decision.js';

/** Between two tries of a process that lost a compare-and-set to another. */
const longestPauseMs = 10;
/** The most that the store takes. */
const mostReadAtOnce = 100;

/** What is to become of a tally: `draft` null leaves it. */
interface TallyChange<T> {
  readonly draft: TallyDraft | null;
  readonly result: T;
}
type Decide<T> = (tally: TallyRecord | null) => TallyChange<T>;

interface Reading {
  readonly keys: Set<string>;
  readonly found: Promise<ReadonlyMap<string, TallyRecord>>;
}

interface Asked {
  readonly decide: Decide<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly giveUpAt: number;
}

/**
 * Tallies in the store, changed by compare-and-set: read, decide, write; whoever loses reads and decides again. Changes of one tally that
 * are asked for while another is written go together in one write, each decided after the one before it: so however many attempts come at
 * once, a write is lost to other processes alone.
 */
export class Tallies {
  private reading: Reading | null = null;
  private readonly lines = new Map<string, Asked[]>();
  /** A write may be of many requests, so it belongs to the trace of none. */
  private readonly background = new AsyncResource('Tallies');

  constructor(
    private readonly store: Pick<Store, 'findTallies' | 'replaceTally'>,
    /** How long a change of a tally that everybody wants is tried, unless whoever asks says otherwise. */
    private readonly usualPatienceMs: number,
  ) {}

  /** By key, those that there are, and perhaps others. What is asked for in one turn of the event loop is read together. Throws `StoreUnavailableError`. */
  find(keys: readonly string[]): Promise<ReadonlyMap<string, TallyRecord>> {
    this.reading ??= this.background.runInAsyncScope(() => this.readSoon());
    for (const key of keys) this.reading.keys.add(key);
    return this.reading.found;
  }

  /**
   * Applies a pure decision to the tally as it is, and gives its result. Throws `StoreUnavailableError` (the change may have been made), and
   * `AuthError` `RATE_LIMITED` when it was not made in `patienceMs`.
   */
  change<T>(key: string, decide: Decide<T>, patienceMs = this.usualPatienceMs): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const asked = { decide, resolve: (result: unknown) => resolve(result as T), reject, giveUpAt: performance.now() + patienceMs };
      const line = this.lines.get(key);
      if (line !== undefined) {
        line.push(asked);
        return;
      }
      const first = [asked];
      this.lines.set(key, first);
      void this.background.runInAsyncScope(() => this.serve(key, first));
    });
  }

  private readSoon(): Reading {
    const keys = new Set<string>();
    const read = async () => {
      await nextTurn();
      this.reading = null;
      const all = [...keys];
      const chunks = Array.from({ length: Math.ceil(all.length / mostReadAtOnce) }, (_, nth) =>
        all.slice(nth * mostReadAtOnce).slice(0, mostReadAtOnce),
      );
      const found = await Promise.all(chunks.map((chunk) => this.store.findTallies(chunk)));
      return new Map(found.flat().map((tally) => [tally.key, tally]));
    };
    return { keys, found: read() };
  }

  private async serve(key: string, line: Asked[]): Promise<void> {
    while (line.length > 0) {
      try {
        await this.serveSome(key, line);
      } catch (error) {
        // Those who came meanwhile too: each would find out in its own 3 s what this one knows.
        for (const { reject } of line.splice(0)) reject(error);
      }
    }
    this.lines.delete(key);
  }

  /** One write, for all who are in the line when it is decided. */
  private async serveSome(key: string, line: Asked[]): Promise<void> {
    for (let tries = 0; line.length > 0; tries += 1) {
      if (tries > 0) await delay(Math.random() * longestPauseMs);
      const [read = null] = await this.store.findTallies([key]);
      dismissLate(line);
      const served = [...line];
      const stamp = randomUUID();
      let tally = read;
      const results = served.map(({ decide }) => {
        const { draft, result } = decide(tally);
        if (draft !== null) tally = { ...draft, stamp };
        return result;
      });
      const isDone = tally === null || tally === read || (await this.store.replaceTally(tally, read?.stamp ?? null));
      if (!isDone) continue;
      line.splice(0, served.length);
      for (const [index, { resolve }] of served.entries()) resolve(results[index]);
      return;
    }
  }
}

function dismissLate(line: Asked[]): void {
  const now = performance.now();
  const late = line.filter(({ giveUpAt }) => giveUpAt < now);
  if (late.length === 0) return;
  line.splice(0, line.length, ...line.filter(({ giveUpAt }) => giveUpAt >= now));
  for (const { reject } of late) reject(new AuthError('RATE_LIMITED', { retryAfter: 1 }));
}
