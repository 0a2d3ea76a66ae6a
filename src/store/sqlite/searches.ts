import type { AccountQuery, AllSessionsQuery, AuditQuery, CreationPosition } from '../queries.js';
import type { WindowReads } from '../windows.js';
import type { Connection, Values } from './connection.js';

/** An SQL condition and the values that it names. */
type Condition = readonly [sql: string, values: Values];

/** A list over all rows of a table: the index that gives them in order, what narrows it by that index, and what else must hold. */
export interface Search {
  readonly table: 'accounts' | 'sessions' | 'audit_events';
  readonly index: string;
  readonly by: Condition | null;
  readonly also: readonly Condition[];
  /** Inclusive, in epoch milliseconds. */
  readonly createdFrom: number;
  readonly createdTo: number;
}

/** The ends of ECMAScript's time (ECMA-262 21.4.1.1). */
const endOfTime = 8.64e15;
/** Longer texts match nothing: no address and no kept user agent has so many characters. */
const longestSearch = { address: 254, userAgent: 512 };
const nothing: Condition = ['FALSE', {}];
const present = (condition: Condition | null): condition is Condition => condition !== null;

const isDisabled = "(disabled IS NOT NULL AND ifnull(json_extract(disabled, '$.until') > :now, TRUE))";

export function accountSearch({ search, role, disabled, emailVerified, now }: AccountQuery): Search {
  const conditions: (Condition | null)[] = [
    search ? prefix(search) : null,
    role === null ? null : ['EXISTS (SELECT 1 FROM json_each(roles) WHERE value = :role)', { role }],
    disabled === null ? null : [disabled ? isDisabled : `NOT ${isDisabled}`, { now }],
    emailVerified === null ? null : ['email_verified = :emailVerified', { emailVerified: emailVerified ? 1 : 0 }],
  ];
  const also = conditions.filter(present);
  return {
    table: 'accounts',
    index: 'accounts_newest',
    by: ['deleted_at IS NULL', {}],
    also,
    createdFrom: -endOfTime,
    createdTo: endOfTime,
  };
}

/** `LIKE` and `GLOB` would give characters a meaning. */
function prefix(search: string): Condition {
  if (search.length > longestSearch.address) return nothing;
  return ['(instr(email, :search) = 1 OR instr(username_key, :search) = 1)', { search }];
}

function part(userAgent: string): Condition {
  if (userAgent.length > longestSearch.userAgent) return nothing;
  // SQLite's `lower` knows A to Z only.
  return ['instr(lower(user_agent), :agent) > 0', { agent: userAgent.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) }];
}

function recordState(query: AllSessionsQuery): Condition | null {
  const { now } = query;
  switch (query.recordState) {
    case null:
      return null;
    case 'ACTIVE':
      return ['revoked IS NULL AND idle_expires_at > :now', { now }];
    case 'EXPIRED':
      return ['revoked IS NULL AND idle_expires_at <= :now', { now }];
    case 'REVOKED':
      return ['revoked IS NOT NULL', {}];
  }
}

/** `query.ids` are left to the caller. */
export function sessionSearch(query: AllSessionsQuery): Search {
  const { accountId, ipAddress, userAgent, deviceKind, lastSeenBefore, lastSeenAfter } = query;
  const account: Condition | null = accountId === null ? null : ['account_id = :accountId', { accountId }];
  const address: Condition | null = ipAddress === null ? null : ['ip_address = :ipAddress', { ipAddress }];
  const conditions: (Condition | null)[] = [
    account === null ? null : address,
    recordState(query),
    userAgent ? part(userAgent) : null,
    deviceKind === null ? null : ["json_extract(device, '$.kind') = :deviceKind", { deviceKind }],
    lastSeenBefore === null ? null : ['last_seen_at < :lastSeenBefore', { lastSeenBefore }],
    lastSeenAfter === null ? null : ['last_seen_at >= :lastSeenAfter', { lastSeenAfter }],
  ];
  return {
    table: 'sessions',
    index: account !== null ? 'sessions_list' : address !== null ? 'sessions_address' : 'sessions_newest',
    by: account ?? address,
    also: conditions.filter(present),
    createdFrom: query.createdAfter ?? -endOfTime,
    createdTo: query.createdBefore === null ? endOfTime : query.createdBefore - 1,
  };
}

/** The searches that together give what is asked for, with no row in common: where nothing but the type narrows, one for each type. */
export function auditSearches(query: AuditQuery): Search[] {
  const { types, accountId, sessionId, ipAddress, createdAfter, createdBefore } = query;
  const narrowing = [
    { index: 'audit_session', condition: sessionId === null ? null : (['session_id = :sessionId', { sessionId }] as const) },
    { index: 'audit_account', condition: accountId === null ? null : (['account_id = :accountId', { accountId }] as const) },
    { index: 'audit_address', condition: ipAddress === null ? null : (['ip_address = :ipAddress', { ipAddress }] as const) },
  ];
  const [first, ...rest] = narrowing.filter(({ condition }) => condition !== null);
  const span = {
    table: 'audit_events' as const,
    createdFrom: createdAfter ?? -endOfTime,
    createdTo: createdBefore === null ? endOfTime : createdBefore - 1,
  };
  if (first === undefined && types !== null) {
    return types.map((type) => ({ ...span, index: 'audit_type', by: ['type = :type', { type }], also: [] }));
  }
  const oneOf: Condition | null =
    types === null ? null : ['type IN (SELECT value FROM json_each(:types))', { types: JSON.stringify(types) }];
  const also = [...rest.map(({ condition }) => condition), oneOf].filter(present);
  return [{ ...span, index: first?.index ?? 'audit_newest', by: first?.condition ?? null, also }];
}

export type Run = <T>(query: () => T) => Promise<T>;

/** The reads of one search. `object` renders a row as JSON, which `toRecord` takes. */
export class SearchReads<Row, Record extends CreationPosition> implements WindowReads<Record> {
  constructor(
    private readonly connection: Connection,
    private readonly run: Run,
    private readonly search: Search,
    private readonly object: string,
    private readonly toRecord: (row: Row) => Record,
  ) {}

  get isFiltered(): boolean {
    return this.search.also.length > 0;
  }

  endOfWindow(after: CreationPosition | null, rows: number): Promise<CreationPosition | null> {
    const { source, values } = this.between(after, null, false);
    const position = "json_object('createdAt', created_at, 'id', id)";
    const sql = `SELECT ${position} ${source} LIMIT 1 OFFSET :skip`;
    return this.run(() => (this.connection.rows(sql, { ...values, skip: rows - 1 })[0] as CreationPosition | undefined) ?? null);
  }

  list(after: CreationPosition | null, end: CreationPosition | null, limit: number): Promise<Record[]> {
    const { source, values } = this.between(after, end, true);
    const sql = `SELECT ${this.object} ${source} LIMIT :limit`;
    return this.run(() => this.connection.rows(sql, { ...values, limit }).map((row) => this.toRecord(row as Row)));
  }

  count(after: CreationPosition | null, end: CreationPosition | null, atMost: number): Promise<number> {
    const { source, values } = this.between(after, end, true);
    const sql = `SELECT count(*) FROM (SELECT 1 ${source} LIMIT :atMost)`;
    return this.run(() => this.connection.number(sql, { ...values, atMost }) ?? 0);
  }

  private between(after: CreationPosition | null, end: CreationPosition | null, filtered: boolean) {
    const { table, index, by, also, createdFrom, createdTo } = this.search;
    const conditions = [...(by === null ? [] : [by]), ...bounds(after, end, createdFrom, createdTo), ...(filtered ? also : [])];
    const { where, values } = joined(conditions);
    return { source: `FROM ${table} INDEXED BY ${index} WHERE ${where} ORDER BY created_at DESC, id DESC`, values };
  }
}

/** The whole condition of a search, for rows that come by another way than its index. */
export function conditionOf({ by, also, createdFrom, createdTo }: Search, after: CreationPosition | null) {
  return joined([...(by === null ? [] : [by]), ...bounds(after, null, createdFrom, createdTo), ...also]);
}

function joined(conditions: readonly Condition[]): { readonly where: string; readonly values: Values } {
  return {
    where: conditions.map(([sql]) => sql).join(' AND '),
    values: Object.assign({}, ...conditions.map(([, values]) => values)) as Values,
  };
}

/** By instants alone for the index; the rows of one instant are told apart by their ids. */
function bounds(after: CreationPosition | null, end: CreationPosition | null, createdFrom: number, createdTo: number): Condition[] {
  const from = Math.max(createdFrom, end?.createdAt ?? createdFrom);
  const to = Math.min(createdTo, after?.createdAt ?? createdTo);
  const conditions: Condition[] = [['created_at >= :from AND created_at <= :to', { from, to }]];
  if (after !== null) {
    conditions.push(['(created_at, id) < (:afterCreatedAt, :afterId)', { afterCreatedAt: after.createdAt, afterId: after.id }]);
  }
  if (end !== null) conditions.push(['(created_at, id) >= (:endCreatedAt, :endId)', { endCreatedAt: end.createdAt, endId: end.id }]);
  return conditions;
}
