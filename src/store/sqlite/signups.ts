import type { EpochMs, SignupRecord } from '../records.js';
import type { Connection } from './connection.js';
import { insertInto, type SignupRow, signupObject, signupValues, toSignup } from './rows.js';

/** The statements on sign-ups that wait for their address to be verified. Those that write are run by the `Writer`, inside its transaction. */
export class Signups {
  constructor(private readonly connection: Connection) {}

  add(signup: SignupRecord): void {
    const values = signupValues(signup);
    this.connection.run(`${insertInto('signups', values)} ON CONFLICT DO NOTHING`, values);
  }

  find(id: string): SignupRecord | null {
    const [row] = this.connection.rows(`SELECT ${signupObject} FROM signups WHERE id = :id`, { id });
    return row === undefined ? null : toSignup(row as SignupRow);
  }

  list(email: string, now: EpochMs, limit: number): SignupRecord[] {
    const sql = `SELECT ${signupObject} FROM signups WHERE email = :email AND expires_at > :now ORDER BY created_at DESC, id DESC LIMIT :limit`;
    return this.connection.rows(sql, { email, now, limit }).map((row) => toSignup(row as SignupRow));
  }

  renew(id: string, expected: string, tokenHash: string, expiresAt: EpochMs): boolean {
    const sql = 'UPDATE signups SET token_hash = :tokenHash, expires_at = :expiresAt WHERE id = :id AND token_hash = :expected';
    return this.connection.run(sql, { id, expected, tokenHash, expiresAt }) === 1;
  }

  remove(id: string, tokenHash: string): boolean {
    return this.connection.run('DELETE FROM signups WHERE id = :id AND token_hash = :tokenHash', { id, tokenHash }) === 1;
  }

  purge(now: EpochMs, limit: number): number {
    const sql = 'DELETE FROM signups WHERE id IN (SELECT id FROM signups WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)';
    return this.connection.run(sql, { now, limit });
  }
}
