import type { CreationPosition, Found, Page } from './queries.js';

/** So many rows one query looks at, at most: a filter that hardly any row passes must not hold a store up for long. */
export const windowRows = 10_000;

/** The reads of one adapter for one query. `after` is exclusive, `end` inclusive; null: from the start, to the end of the list. */
export interface WindowReads<Row extends CreationPosition> {
  /** False when every row that the index gives fits, so that looking and finding are the same. */
  readonly isFiltered: boolean;
  /** The position of the `rows`-th row that the index gives after `after`, whether or not it passes the filter; null when there are fewer. */
  endOfWindow(after: CreationPosition | null, rows: number): Promise<CreationPosition | null>;
  /** Rows that pass the filter, newest first. */
  list(after: CreationPosition | null, end: CreationPosition | null, limit: number): Promise<Row[]>;
  count(after: CreationPosition | null, end: CreationPosition | null, atMost: number): Promise<number>;
}

/** The order of every list over all rows. */
export function newestFirst(one: CreationPosition, other: CreationPosition): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1);
}

const positionOf = ({ createdAt, id }: CreationPosition): CreationPosition => ({ createdAt, id });

/** One page within one window. */
export async function listPage<Row extends CreationPosition>(
  reads: WindowReads<Row>,
  { after, limit }: Page<CreationPosition>,
): Promise<Found<Row>> {
  const end = reads.isFiltered ? await reads.endOfWindow(after, windowRows) : null;
  const rows = await reads.list(after, end, limit);
  const last = rows.at(-1);
  return { rows, next: last !== undefined && rows.length === limit ? positionOf(last) : end };
}

/** Counts window by window, and stops at `atMost`. */
export async function countUpTo<Row extends CreationPosition>(reads: WindowReads<Row>, atMost: number): Promise<number> {
  let counted = 0;
  let after: CreationPosition | null = null;
  do {
    const end: CreationPosition | null = await reads.endOfWindow(after, windowRows);
    counted += await reads.count(after, end, atMost - counted);
    after = end;
  } while (after !== null && counted < atMost);
  return counted;
}

/** One page of several lists together that have no row in common. Each must be unfiltered: of a filtered one a window might end before its first row. */
export async function listMerged<Row extends CreationPosition>(
  lists: readonly WindowReads<Row>[],
  { after, limit }: Page<CreationPosition>,
): Promise<Found<Row>> {
  const rows = (await Promise.all(lists.map((reads) => reads.list(after, null, limit)))).flat();
  return pageOfAll(rows.sort(newestFirst).slice(0, limit), limit);
}

/** The page of rows that were found all at once, of which `rows` are the first. */
export function pageOfAll<Row extends CreationPosition>(rows: readonly Row[], limit: number): Found<Row> {
  const last = rows.at(-1);
  return { rows, next: last !== undefined && rows.length === limit ? positionOf(last) : null };
}
