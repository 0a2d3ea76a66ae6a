import type { EpochMs, KeyRecord } from './records.js';

/**
 * What a look at a database tells that changes nothing in it: no migration, no index, no file. Where `exists` is false there is nothing yet,
 * the next start makes it, and the rest is empty.
 */
export interface StoreInspection {
  readonly exists: boolean;
  /** Of the schema in the database, and of this code. */
  readonly version: number;
  readonly knownVersion: number;
  readonly indexFaults: readonly IndexFault[];
  /** How far the database's clock is ahead of this machine's, in milliseconds; null where it has none of its own. */
  readonly clockOffsetMs: number | null;
  readonly keys: readonly KeyRecord[];
  /** The database file; null where it is not a file of this machine. */
  readonly file: string | null;
}

/** `missing`; `ttl`: it removes records at another time than it should, or never; `different`: other fields or options. */
export interface IndexFault {
  readonly index: string;
  readonly kind: 'missing' | 'ttl' | 'different';
}

/** What was mended, one line each. */
export type Mended = readonly string[];

/** A clock as it was read between two looks at this machine's. */
export const offsetOf = (storeTime: EpochMs, askedAt: EpochMs, answeredAt: EpochMs): number => storeTime - (askedAt + answeredAt) / 2;
