import type { Model, QueryFilter } from 'mongoose';
import type { AccountQuery, AllSessionsQuery, AuditQuery, CreationPosition } from '../queries.js';
import type { WindowReads } from '../windows.js';
import type { AccountDocument, AuditDocument, SessionDocument } from './documents.js';
import { within } from './session-filters.js';

/** A list over all documents: the index that gives them in order, what narrows it by that index, and what else must hold. */
export interface Search<Document> {
  readonly index: 'present' | 'newest' | 'list' | 'address' | 'type' | 'account' | 'session';
  readonly by: QueryFilter<Document>;
  readonly also: QueryFilter<Document>;
  /** Alternatives of which none may hold. `$nor` and never `$and`, which some servers take for a reason to scan. */
  readonly nor: readonly QueryFilter<Document>[];
  /** Inclusive, in epoch milliseconds; null: no bound. */
  readonly createdFrom: number | null;
  readonly createdTo: number | null;
}

/** Longer texts match nothing: no address and no kept user agent has so many characters. */
const longestSearch = { address: 254, userAgent: 512 };
/** Every document has an instant of creation. */
const nothing = { createdAt: null };

export function accountSearch({ search, role, disabled, emailVerified, now }: AccountQuery): Search<AccountDocument> {
  const over = { 'disabled.until': within({ $lte: new Date(now) }) };
  const running = { 'disabled.until': within({ $gt: new Date(now) }) };
  const endless = { disabled: within({ $ne: null }), 'disabled.until': null };
  return {
    index: 'present',
    by: { deletedAt: null },
    also: {
      ...(search && startsWith(search)),
      ...(role !== null && { roles: role }),
      ...(disabled && { disabled: within({ $ne: null }) }),
      ...(emailVerified !== null && { emailVerified }),
    },
    nor: disabled === null ? [] : disabled ? [over] : [running, endless],
    createdFrom: null,
    createdTo: null,
  };
}

function startsWith(search: string): QueryFilter<AccountDocument> {
  if (search.length > longestSearch.address) return nothing;
  const pattern = within({ $regex: `^${literal(search)}` });
  return { $or: [{ email: pattern }, { usernameKey: pattern }] };
}

/** `query.ids` are left to the caller. */
export function sessionSearch(query: AllSessionsQuery): Search<SessionDocument> {
  const { accountId, ipAddress, userAgent, deviceKind, lastSeenBefore, lastSeenAfter, createdAfter, createdBefore } = query;
  const address = ipAddress === null ? null : { ipAddress };
  return {
    index: accountId !== null ? 'list' : address !== null ? 'address' : 'newest',
    by: accountId !== null ? { accountId } : (address ?? {}),
    also: {
      ...(accountId !== null && address),
      ...recordState(query),
      ...(userAgent && contains(userAgent)),
      ...(deviceKind !== null && { 'device.kind': deviceKind }),
      ...((lastSeenBefore !== null || lastSeenAfter !== null) && { lastSeenAt: span(lastSeenAfter, lastSeenBefore, '$lt') }),
    },
    nor: [],
    createdFrom: createdAfter,
    createdTo: createdBefore === null ? null : createdBefore - 1,
  };
}

function recordState({ recordState, now }: AllSessionsQuery): QueryFilter<SessionDocument> {
  switch (recordState) {
    case null:
      return {};
    case 'ACTIVE':
      return { revoked: null, idleExpiresAt: within({ $gt: new Date(now) }) };
    case 'EXPIRED':
      return { revoked: null, idleExpiresAt: within({ $lte: new Date(now) }) };
    case 'REVOKED':
      return { revoked: within({ $ne: null }) };
  }
}

/** The searches that together give what is asked for, with no document in common: where nothing but the type narrows, one for each type. */
export function auditSearches(query: AuditQuery): Search<AuditDocument>[] {
  const { types, accountId, sessionId, ipAddress, createdAfter, createdBefore } = query;
  const narrowing = [
    { index: 'session' as const, field: sessionId === null ? null : { sessionId } },
    { index: 'account' as const, field: accountId === null ? null : { accountId } },
    { index: 'address' as const, field: ipAddress === null ? null : { ipAddress } },
  ];
  const [first, ...rest] = narrowing.filter(({ field }) => field !== null);
  const span = { nor: [], createdFrom: createdAfter, createdTo: createdBefore === null ? null : createdBefore - 1 };
  if (first === undefined && types !== null) return types.map((type) => ({ ...span, index: 'type', by: { type }, also: {} }));
  const also = Object.assign(
    {},
    ...rest.map(({ field }) => field),
    types && { type: within({ $in: [...types] }) },
  ) as QueryFilter<AuditDocument>;
  return [{ ...span, index: first?.index ?? 'newest', by: first?.field ?? {}, also }];
}

function contains(userAgent: string): QueryFilter<SessionDocument> {
  if (userAgent.length > longestSearch.userAgent) return nothing;
  // Not by the option `i`, which folds more letters than A to Z.
  const pattern = [...userAgent].map((letter) =>
    /[A-Za-z]/.test(letter) ? `[${letter.toUpperCase()}${letter.toLowerCase()}]` : literal(letter),
  );
  return { userAgent: within({ $regex: pattern.join('') }) };
}

/** A pattern that matches exactly this text. A pattern may hold no NUL itself, and servers differ in what a sign means to them. */
function literal(text: string): string {
  const escaped = (letter: string) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return [...text].map((letter) => (letter > '~' || /[A-Za-z0-9]/.test(letter) ? letter : escaped(letter))).join('');
}

function span(from: number | null, to: number | null, upper: '$lt' | '$lte') {
  return within({ ...(from !== null && { $gte: new Date(from) }), ...(to !== null && { [upper]: new Date(to) }) });
}

export type Run = <T>(query: () => Promise<T>) => Promise<T>;

/** The reads of one search, each of them run by itself. */
export class SearchReads<Document, Record extends CreationPosition> implements WindowReads<Record> {
  constructor(
    private readonly model: Model<Document>,
    private readonly run: Run,
    private readonly search: Search<Document>,
    private readonly toRecord: (document: Document) => Record,
  ) {}

  get isFiltered(): boolean {
    return Object.keys(this.search.also).length > 0 || this.search.nor.length > 0;
  }

  endOfWindow(after: CreationPosition | null, rows: number): Promise<CreationPosition | null> {
    return this.run(async () => {
      const unfiltered = { ...this.search, also: {}, nor: [] };
      const found = await this.find(filterOf(unfiltered, after, null))
        .select({ createdAt: 1 })
        .skip(rows - 1)
        .limit(1)
        .lean<{ readonly _id: string; readonly createdAt: Date }[]>();
      return found[0] === undefined ? null : { createdAt: found[0].createdAt.getTime(), id: found[0]._id };
    });
  }

  list(after: CreationPosition | null, end: CreationPosition | null, limit: number): Promise<Record[]> {
    return this.run(async () => {
      const documents = await this.find(filterOf(this.search, after, end))
        .limit(limit)
        .lean<Document[]>();
      return documents.map(this.toRecord);
    });
  }

  count(after: CreationPosition | null, end: CreationPosition | null, atMost: number): Promise<number> {
    return this.run(() =>
      this.model
        .countDocuments(filterOf(this.search, after, end))
        .limit(atMost)
        .hint(this.search.index)
        .exec(),
    );
  }

  private find(filter: QueryFilter<Document>) {
    return this.model.find(filter).sort({ createdAt: -1, _id: -1 }).hint(this.search.index);
  }
}

/** By instants alone for the index; the documents of one instant are told apart by their ids. */
export function filterOf<Document>(
  search: Search<Document>,
  after: CreationPosition | null,
  end: CreationPosition | null,
): QueryFilter<Document> {
  const lower = [search.createdFrom, end?.createdAt ?? null].filter((bound) => bound !== null);
  const upper = [search.createdTo, after?.createdAt ?? null].filter((bound) => bound !== null);
  const from = lower.length === 0 ? null : Math.max(...lower);
  const to = upper.length === 0 ? null : Math.min(...upper);
  const ties = [
    ...(after === null ? [] : [{ createdAt: new Date(after.createdAt), _id: within({ $gte: after.id }) }]),
    ...(end === null ? [] : [{ createdAt: new Date(end.createdAt), _id: within({ $lt: end.id }) }]),
  ];
  const nor = [...search.nor, ...ties];
  return {
    ...search.by,
    ...((from !== null || to !== null) && { createdAt: span(from, to, '$lte') }),
    ...search.also,
    ...(nor.length > 0 && { $nor: nor }),
  } as QueryFilter<Document>;
}
