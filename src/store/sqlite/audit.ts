import type { AuditQuery, AuditSums } from '../queries.js';
import type { AuditEventType, AuditRecord, EpochMs } from '../records.js';
import type { Connection } from './connection.js';
import { type AuditRow, auditObject, auditValues, insertInto, toAuditRecord } from './rows.js';
import { auditSearches, type Run, SearchReads } from './searches.js';

const purgeSql = `DELETE FROM audit_events
  WHERE id IN (SELECT id FROM audit_events WHERE purge_at <= :now ORDER BY purge_at LIMIT :limit)`;

/** By the index alone, which holds the count. */
const sumSql = `SELECT sum(count) FROM audit_events INDEXED BY audit_type
  WHERE type = :type AND created_at >= :from AND created_at < :to`;

/** The statements on the audit log. Those that write are run by the `Writer`, inside its transaction. */
export class Audit {
  constructor(private readonly connection: Connection) {}

  append(event: AuditRecord): void {
    const values = auditValues(event);
    this.connection.run(`${insertInto('audit_events', values)} ON CONFLICT (id) DO NOTHING`, values);
  }

  count(event: AuditRecord): void {
    const values = auditValues(event);
    const more = 'ON CONFLICT (id) DO UPDATE SET count = count + excluded.count';
    this.connection.run(`${insertInto('audit_events', values)} ${more}`, values);
  }

  searches(query: AuditQuery, run: Run): SearchReads<AuditRow, AuditRecord>[] {
    return auditSearches(query).map((search) => new SearchReads(this.connection, run, search, auditObject, toAuditRecord));
  }

  sum(types: readonly AuditEventType[], from: EpochMs, to: EpochMs): AuditSums {
    return Object.fromEntries(types.map((type) => [type, this.connection.number(sumSql, { type, from, to }) ?? 0]));
  }

  erase(accountId: string): void {
    const sql = `UPDATE audit_events SET ip_address = NULL, user_agent = NULL
      WHERE account_id = :accountId AND (actor_id IS NULL OR actor_id = :accountId)`;
    this.connection.run(sql, { accountId });
  }

  purge(now: EpochMs, limit: number): number {
    return this.connection.run(purgeSql, { now, limit });
  }
}
