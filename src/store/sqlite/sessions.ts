import type { Advance, AllSessionsQuery, Page, RevokeSelector, SessionPosition, SessionQuery, SessionUse } from '../queries.js';
import { type Ending, type EpochMs, type SessionRecord, unknownDevice } from '../records.js';
import { newestFirst } from '../windows.js';
import type { Connection, Values } from './connection.js';
import { deviceJson, endingJson, insertInto, type SessionRow, sessionObject, sessionValues, toSession } from './rows.js';
import { conditionOf, type Run, SearchReads, sessionSearch } from './searches.js';
import { sessionFilter } from './session-filters.js';

const alive = 'revoked IS NULL AND idle_expires_at > :at';

const advanceSql = `UPDATE sessions SET generation = :expectedGeneration + 1, attempt_id = :attemptId, last_seen_at = :at,
  idle_expires_at = :idleExpiresAt, purge_at = :purgeAt, rotations = json_insert(
    CASE WHEN json_array_length(rotations) >= 8 THEN json_remove(rotations, '$[0]') ELSE rotations END, '$[#]', :at)
  WHERE id = :sessionId AND generation = :expectedGeneration AND ${alive}`;

const confirmation = `
  confirmed_at = CASE WHEN confirmed_generation < :confirmed THEN :at ELSE confirmed_at END,
  confirmed_generation = max(confirmed_generation, :confirmed)`;

const assertSql = `UPDATE sessions SET last_seen_at = max(last_seen_at, :at), ${confirmation}
  WHERE id = :sessionId AND generation = :generation AND ${alive}`;

const reauthenticateSql = `UPDATE sessions SET authenticated_at = :at WHERE id = :sessionId AND account_id = :accountId AND ${alive}`;

const useSql = `UPDATE sessions SET last_seen_at = max(last_seen_at, :at),
  confirmed_at = CASE WHEN generation = :generation AND confirmed_generation < generation THEN :at ELSE confirmed_at END,
  confirmed_generation = CASE WHEN generation = :generation THEN max(confirmed_generation, generation)
    ELSE confirmed_generation END
  WHERE id = :sessionId AND revoked IS NULL`;

const revokeSql = `UPDATE sessions SET revoked = :ending, purge_at = :purgeAt
  WHERE id = :sessionId AND (:ownerId IS NULL OR account_id = :ownerId) AND revoked IS NULL`;

const revokeWhereSql = `UPDATE sessions SET revoked = :ending, purge_at = :purgeAt
  WHERE account_id = :accountId AND (:epochBelow IS NULL OR epoch < :epochBelow)
  AND (:ordinalAtMost IS NULL OR ordinal <= :ordinalAtMost) AND id IS NOT :exceptId AND ${alive}`;

const purgeSql = 'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE purge_at <= :now ORDER BY purge_at LIMIT :limit)';

/** The statements on sessions. Those that write are run by the `Writer`, inside its transaction. */
export class Sessions {
  constructor(private readonly connection: Connection) {}

  /** A repeat of a record that is there already changes nothing. */
  create(session: SessionRecord): void {
    const values = sessionValues(session);
    this.connection.run(`${insertInto('sessions', values)} ON CONFLICT (id) DO NOTHING`, values);
  }

  find(id: string): SessionRecord | null {
    const [row] = this.connection.rows(`SELECT ${sessionObject} FROM sessions WHERE id = :id`, { id });
    return row === undefined ? null : toSession(row as SessionRow);
  }

  advance(sessionId: string, change: Advance): boolean {
    const { expectedGeneration, at, attemptId, idleExpiresAt, purgeAt } = change;
    const values = { sessionId, expectedGeneration, at, attemptId, idleExpiresAt, purgeAt };
    return this.connection.run(advanceSql, values) === 1;
  }

  assertCurrent(sessionId: string, generation: number, at: EpochMs, confirm: boolean): boolean {
    return this.connection.run(assertSql, { sessionId, generation, at, confirmed: confirm ? generation : -1 }) === 1;
  }

  reauthenticate(sessionId: string, accountId: string, at: EpochMs): SessionRecord | null {
    return this.connection.run(reauthenticateSql, { sessionId, accountId, at }) === 1 ? this.find(sessionId) : null;
  }

  recordUse({ sessionId, generation, at }: SessionUse): void {
    this.connection.run(useSql, { sessionId, generation, at });
  }

  revoke(
    sessionId: string,
    ownerId: string | null,
    ending: Ending,
    purgeAt: EpochMs,
  ): { readonly session: SessionRecord; readonly ended: boolean } | null {
    const values = { sessionId, ownerId, ending: endingJson(ending), purgeAt, at: ending.at };
    const ended = this.connection.run(revokeSql, values) === 1;
    const session = this.find(sessionId);
    if (session === null || (ownerId !== null && session.accountId !== ownerId)) return null;
    return { session, ended };
  }

  revokeWhere(selector: RevokeSelector, ending: Ending, purgeAt: EpochMs): number {
    const { accountId, epochBelow, ordinalAtMost, exceptId } = selector;
    const selected = { accountId, epochBelow, ordinalAtMost, exceptId };
    return this.connection.run(revokeWhereSql, { ...selected, ending: endingJson(ending), purgeAt, at: ending.at });
  }

  erase(accountId: string): void {
    const sql = 'UPDATE sessions SET ip_address = NULL, user_agent = NULL, device = :device WHERE account_id = :accountId';
    this.connection.run(sql, { accountId, device: deviceJson(unknownDevice) });
  }

  list(query: SessionQuery, { limit, after }: Page<SessionPosition>): SessionRecord[] {
    const { where, values } = sessionFilter(query);
    const position = after === null ? '' : ' AND (created_at, id) < (:afterCreatedAt, :afterId)';
    const sql = `SELECT ${sessionObject} FROM sessions WHERE ${where}${position}
      ORDER BY created_at DESC, id DESC LIMIT :limit`;
    const start: Values = after === null ? {} : { afterCreatedAt: after.createdAt, afterId: after.id };
    return this.connection.rows(sql, { ...values, ...start, limit }).map((row) => toSession(row as SessionRow));
  }

  count(query: SessionQuery, atMost: number): number {
    const { where, values } = sessionFilter(query);
    const sql = `SELECT count(*) FROM (SELECT 1 FROM sessions WHERE ${where} LIMIT :atMost)`;
    return this.connection.number(sql, { ...values, atMost }) ?? 0;
  }

  findOrdinalBeyond(query: SessionQuery, skip: number): number | null {
    const { where, values } = sessionFilter({ ...query, state: 'ACTIVE' });
    const sql = `SELECT ordinal FROM sessions WHERE ${where} ORDER BY ordinal DESC LIMIT 1 OFFSET :skip`;
    return this.connection.number(sql, { ...values, skip });
  }

  /** Those with these ids that the condition fits, newest first. */
  listByIds(query: AllSessionsQuery, ids: readonly string[], { limit, after }: Page<SessionPosition>): SessionRecord[] {
    const sessions = [...new Set(ids)].flatMap((id) => {
      const { where, values } = conditionOf(sessionSearch(query), after);
      const sql = `SELECT ${sessionObject} FROM sessions WHERE id = :id AND ${where}`;
      return this.connection.rows(sql, { ...values, id }).map((row) => toSession(row as SessionRow));
    });
    return sessions.sort(newestFirst).slice(0, limit);
  }

  search(query: AllSessionsQuery, run: Run): SearchReads<SessionRow, SessionRecord> {
    return new SearchReads(this.connection, run, sessionSearch(query), sessionObject, toSession);
  }

  purge(now: EpochMs, limit: number): number {
    return this.connection.run(purgeSql, { now, limit });
  }
}
