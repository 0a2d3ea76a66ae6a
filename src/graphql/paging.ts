import { AuthError } from '../auth/errors.js';

export interface PageArguments {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** Where a row stands in a list that is ordered by instant, then id. */
interface Position {
  readonly createdAt: number;
  readonly id: string;
}

const defaultFirst = 20;
const mostRows = 100;

/** Throws `AuthError` `BAD_USER_INPUT` for `first` outside 1 to 100 and for an `after` that is no cursor of this server. */
export function pageOf({ first, after }: PageArguments): { readonly limit: number; readonly after: Position | null } {
  const limit = first ?? defaultFirst;
  if (limit < 1 || limit > mostRows) throw new AuthError('BAD_USER_INPUT', { field: 'first', reason: 'OUT_OF_RANGE' });
  return { limit, after: after === null || after === undefined ? null : readCursor(after) };
}

export const cursorOf = ({ createdAt, id }: Position): string => Buffer.from(`${createdAt}:${id}`, 'utf8').toString('base64url');

/** Throws `AuthError` `BAD_USER_INPUT` for what is no cursor of this server. */
export function readCursor(cursor: string): Position {
  const text = cursor.length <= 100 ? Buffer.from(cursor, 'base64url').toString('utf8') : '';
  const [, createdAt, id] = /^(\d{1,15}):([0-9a-f-]{36})$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined) throw new AuthError('BAD_USER_INPUT', { field: 'after', reason: 'INVALID' });
  return { createdAt: Number(createdAt), id };
}

/**
 * A Relay connection over a list that is searched piece by piece, of which one row more than `limit` was asked for. A page may be short, even
 * empty, before the end: then `endCursor` is where to go on.
 */
export function connectionOfFound<Row extends Position, Node>(
  { rows, next }: { readonly rows: readonly Row[]; readonly next: Position | null },
  page: ReturnType<typeof pageOf>,
  toNode: (row: Row) => Node,
) {
  const connection = connectionOf(rows, page, toNode);
  if (rows.length > page.limit || next === null) return connection;
  return { ...connection, pageInfo: { ...connection.pageInfo, hasNextPage: true, endCursor: cursorOf(next) } };
}

/** A Relay connection over `rows`, of which one more than `limit` was asked for to see whether any follow. */
export function connectionOf<Row extends Position, Node>(
  rows: readonly Row[],
  page: ReturnType<typeof pageOf>,
  toNode: (row: Row) => Node,
) {
  const edges = rows.slice(0, page.limit).map((row) => ({ cursor: cursorOf(row), node: toNode(row) }));
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: rows.length > page.limit,
      hasPreviousPage: page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
