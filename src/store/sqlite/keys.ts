import type { EpochMs, KeyRecord } from '../records.js';
import type { Connection } from './connection.js';
import { insertInto, type KeyRow, keyObject, keyValues, toKey } from './rows.js';

/** The statements on the server's own keys. Those that write are run by the `Writer`, inside its transaction. */
export class Keys {
  constructor(private readonly connection: Connection) {}

  list(): KeyRecord[] {
    return this.connection.rows(`SELECT ${keyObject} FROM keys ORDER BY purpose, sequence`, {}).map((row) => toKey(row as KeyRow));
  }

  /** False when the purpose's sequence number, or the id, is taken. */
  add(key: KeyRecord): boolean {
    const values = keyValues(key);
    return this.connection.run(`${insertInto('keys', values)} ON CONFLICT DO NOTHING`, values) === 1;
  }

  addWrapping(id: string, secretId: string, ciphertext: string): void {
    // json_patch and not json_set: a path would give characters of the secret's id a meaning.
    const sql = 'UPDATE keys SET wrapped = json_patch(wrapped, json_object(:secretId, :ciphertext)) WHERE id = :id';
    this.connection.run(sql, { id, secretId, ciphertext });
  }

  removeWrappings(id: string, secretIds: readonly string[], kept: Readonly<Record<string, string>>): boolean {
    const found = this.list().find((key) => key.id === id);
    if (found === undefined || !Object.entries(kept).every(([secretId, text]) => found.wrapped[secretId] === text)) return false;
    const left = Object.entries(found.wrapped).filter(([secretId]) => !secretIds.includes(secretId));
    const wrapped = JSON.stringify(Object.fromEntries(left));
    return this.connection.run('UPDATE keys SET wrapped = :wrapped WHERE id = :id', { id, wrapped }) === 1;
  }

  revoke(id: string, at: EpochMs): boolean {
    const sql = "UPDATE keys SET revoked_at = :at WHERE id = :id AND purpose = 'signing' AND revoked_at IS NULL";
    return this.connection.run(sql, { id, at }) === 1;
  }
}
