import { InvalidArgumentError, Option } from 'commander';
import { RoleBook } from '../auth/role-book.js';
import { loadConfig } from '../config.js';
import { cursorOf, readCursor } from '../graphql/paging.js';
import type { CreationPosition } from '../store/queries.js';
import type { EpochMs } from '../store/records.js';

const mostRows = 1_000;

const row = (text: string): number => {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > mostRows) throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostRows}.`);
  return number;
};
const position = (text: string): CreationPosition => {
  try {
    return readCursor(text);
  } catch {
    throw new InvalidArgumentError('It must be the `next` of an earlier page.');
  }
};

/** ISO 8601: a date (its beginning in UTC), or an instant with its offset from UTC. */
export function parseInstant(text: string): EpochMs {
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;
  const at = form.test(text) ? Date.parse(text) : Number.NaN;
  // A day that the month has not would be taken for one of the next month.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at) || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text.slice(0, 10)) {
    throw new InvalidArgumentError('It must be an ISO 8601 instant, such as 2026-01-31 or 2026-01-31T12:00:00Z.');
  }
  return at;
}

/** Judged by the settings, which are read only when a role is named: help and manual need none. Throws `ConfigError` too. */
export function parseRole(name: string): string {
  const roles = new RoleBook(loadConfig());
  if (!roles.isRole(name)) throw new InvalidArgumentError(`It must be one of ${roles.names.join(', ')}.`);
  return name;
}

/** For an option that may be repeated. */
export const collectRole = (name: string, before: readonly string[] = []): string[] => [...before, parseRole(name)];

export const role = (flags: string, about: string): Option => new Option(flags, about).argParser(parseRole);
export const limit = (): Option => new Option('--limit <number>', `rows to print, at most ${mostRows}`).default(50).argParser(row);
export const after = (): Option => new Option('--after <cursor>', 'go on after an earlier page: its `next`').argParser(position);
export const at = (flags: string, about: string): Option => new Option(`${flags} <instant>`, about).argParser(parseInstant);

/** As it is given back in `--after`. */
export const cursor = (next: CreationPosition | null): string | null => (next === null ? null : cursorOf(next));

interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly next: CreationPosition | null;
}
interface PageOptions {
  readonly limit: number;
  readonly after?: CreationPosition;
}

/** Reads on until the page is full or the list ends: nobody at a terminal waits for an empty page. */
export async function fullPage<Row>(
  { limit: most, after: start }: PageOptions,
  list: (page: { readonly limit: number; readonly after: CreationPosition | null }) => Promise<Rows<Row>>,
): Promise<Rows<Row>> {
  const rows: Row[] = [];
  let next = start ?? null;
  do {
    const page: Rows<Row> = await list({ limit: most - rows.length, after: next });
    rows.push(...page.rows);
    next = page.next;
  } while (next !== null && rows.length < most);
  return { rows, next };
}
