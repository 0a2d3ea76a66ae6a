import type { EpochMs, TallyRecord } from '../records.js';
import type { Connection } from './connection.js';
import { insertInto, type TallyRow, tallyObject, tallyValues, toTally } from './rows.js';

const replaceSql = `UPDATE tallies SET stamp = :stamp, since = :since, count = :count, last_at = :last_at, in_flight = :in_flight,
  known_networks = :known_networks, purge_at = :purge_at WHERE key = :key AND stamp = :expectedStamp`;

const purgeSql = `DELETE FROM tallies
  WHERE key IN (SELECT key FROM tallies WHERE purge_at <= :now ORDER BY purge_at LIMIT :limit)`;

/** The statements on tallies. Those that write are run by the `Writer`, inside its transaction. */
export class Tallies {
  constructor(private readonly connection: Connection) {}

  find(keys: readonly string[]): TallyRecord[] {
    const sql = `SELECT ${tallyObject} FROM tallies WHERE key IN (SELECT value FROM json_each(:keys))`;
    return this.connection.rows(sql, { keys: JSON.stringify(keys) }).map((row) => toTally(row as TallyRow));
  }

  replace(tally: TallyRecord, expectedStamp: string | null): boolean {
    const values = tallyValues(tally);
    if (expectedStamp !== null) return this.connection.run(replaceSql, { ...values, expectedStamp }) === 1;
    return this.connection.run(`${insertInto('tallies', values)} ON CONFLICT (key) DO NOTHING`, values) === 1;
  }

  purge(now: EpochMs, limit: number): number {
    return this.connection.run(purgeSql, { now, limit });
  }
}
