import type { EpochMs, MailRecord } from '../records.js';
import type { Connection } from './connection.js';
import { insertInto, jsonObject } from './rows.js';

interface MailRow {
  readonly id: string;
  readonly kind: string;
  readonly sealed: string;
  readonly created_at: number;
  readonly due_at: number;
  readonly attempts: number;
  readonly claim_id: string | null;
  readonly purge_at: number;
}

const mailObject = jsonObject('id kind sealed created_at due_at attempts claim_id purge_at');
const purgeSql = 'DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE purge_at <= :now ORDER BY purge_at LIMIT :limit)';

/** The statements on the outbox. Those that write are run by the `Writer`, inside its transaction. */
export class Mails {
  constructor(private readonly connection: Connection) {}

  put(mail: MailRecord): void {
    const values = {
      id: mail.id,
      kind: mail.kind,
      sealed: mail.sealed,
      created_at: mail.createdAt,
      due_at: mail.dueAt,
      attempts: mail.attempts,
      claim_id: mail.claimId,
      purge_at: mail.purgeAt,
    };
    this.connection.run(`${insertInto('mails', values)} ON CONFLICT (id) DO NOTHING`, values);
  }

  isAnyDue(dueBy: EpochMs): boolean {
    return this.connection.number('SELECT 1 FROM mails WHERE due_at <= :dueBy LIMIT 1', { dueBy }) !== null;
  }

  claim(dueBy: EpochMs, claim: { readonly id: string; readonly until: EpochMs }, limit: number): MailRecord[] {
    const due = `SELECT ${mailObject} FROM mails WHERE due_at <= :dueBy ORDER BY due_at LIMIT :limit`;
    const found = this.connection.rows(due, { dueBy, limit }).map((row) => toMail(row as MailRow));
    return found.map((mail) => {
      const claimed = { ...mail, claimId: claim.id, dueAt: claim.until, attempts: mail.attempts + 1 };
      const { id, claimId, dueAt, attempts } = claimed;
      const sql = 'UPDATE mails SET claim_id = :claimId, due_at = :dueAt, attempts = :attempts WHERE id = :id';
      this.connection.run(sql, { id, claimId, dueAt, attempts });
      return claimed;
    });
  }

  release(id: string, claimId: string, dueAt: EpochMs): boolean {
    const sql = 'UPDATE mails SET claim_id = NULL, due_at = :dueAt WHERE id = :id AND claim_id = :claimId';
    return this.connection.run(sql, { id, claimId, dueAt }) === 1;
  }

  remove(id: string, claimId: string | null): boolean {
    const sql = 'DELETE FROM mails WHERE id = :id AND (:claimId IS NULL OR claim_id = :claimId)';
    return this.connection.run(sql, { id, claimId }) === 1;
  }

  purge(now: EpochMs, limit: number): number {
    return this.connection.run(purgeSql, { now, limit });
  }
}

function toMail(row: MailRow): MailRecord {
  return {
    id: row.id,
    kind: row.kind,
    sealed: row.sealed,
    createdAt: row.created_at,
    dueAt: row.due_at,
    attempts: row.attempts,
    claimId: row.claim_id,
    purgeAt: row.purge_at,
  };
}
