import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { IndexFault, Mended, StoreInspection } from '../inspection.js';
import { StoreUnavailableError, StoreVersionError } from '../port.js';
import { Connection } from './connection.js';
import { Keys } from './keys.js';
import { migrations, refuseForeign } from './migrations.js';
import { openSqliteStore } from './open.js';
import { retryWhileBusy } from './retry.js';

const empty = { version: 0, knownVersion: migrations.length, indexFaults: [], clockOffsetMs: null, keys: [] };

/**
 * Looks at the database file without a change to it. Throws `StoreUnavailableError` when it cannot be read, `StoreVersionError` when it is not
 * a database of this version or an earlier one.
 */
export async function inspectSqliteStore(path: string): Promise<StoreInspection> {
  const file = path === ':memory:' ? null : path;
  // The driver would create what is not there.
  if (file === null || !existsSync(file) || statSync(file).size === 0) return { ...empty, exists: false, file };
  let connection: Connection | null = null;
  try {
    const reader = new Connection(readOnly(path));
    connection = reader;
    reader.pragma('query_only = ON');
    return await retryWhileBusy(() => ({ ...inspect(reader), exists: true, file }));
  } catch (error) {
    throw error instanceof StoreVersionError ? error : new StoreUnavailableError(error);
  } finally {
    connection?.close();
  }
}

/**
 * Where no log lies beside the file nobody has it open, and it is read as it is: a log made by this process might belong to a user whose files
 * the server cannot write.
 */
function readOnly(path: string): string {
  const log = `${path}-wal`;
  return existsSync(log) && statSync(log).size > 0 ? path : `${pathToFileURL(path).href}?immutable=1`;
}

function inspect(connection: Connection): Omit<StoreInspection, 'exists' | 'file'> {
  const version = Number(connection.pragma('user_version'));
  refuseForeign(connection, version, migrations.length);
  return {
    ...empty,
    version,
    // Those of steps that are still to come are not missing.
    indexFaults: faults(connection, version),
    keys: version === 0 ? [] : new Keys(connection).list(),
  };
}

/** Every index that the steps up to this version make, by its name. */
function wantedIndexes(version: number): Map<string, string> {
  const statements = migrations.slice(0, version).flatMap((step) => step.match(/CREATE (?:UNIQUE )?INDEX \w+ [^;]+/g) ?? []);
  return new Map(statements.map((sql) => [/INDEX (\w+)/.exec(sql)?.[1] ?? '', sql]));
}

function faults(connection: Connection, version: number): IndexFault[] {
  const rows = connection.rows("SELECT json_object('name', name, 'sql', sql) FROM sqlite_schema WHERE type = 'index'", {});
  const found = new Map((rows as { name: string; sql: string | null }[]).map(({ name, sql }) => [name, sql]));
  const plain = (sql: string | null | undefined) => sql?.replace(/\s+/g, ' ').trim();
  return [...wantedIndexes(version)].flatMap(([index, sql]): IndexFault[] => {
    if (!found.has(index)) return [{ index, kind: 'missing' }];
    return plain(found.get(index)) === plain(sql) ? [] : [{ index, kind: 'different' }];
  });
}

/** Migrates as a start does, and makes the indexes that are missing. Throws what `openSqliteStore` throws. */
export async function mendSqliteStore(path: string): Promise<Mended> {
  const before = await inspectSqliteStore(path);
  await (await openSqliteStore(path)).close();
  const mended = before.version < before.knownVersion ? [`migrated from version ${before.version} to ${before.knownVersion}`] : [];
  if (before.file === null) return mended;
  const connection = new Connection(path);
  try {
    for (const { index, kind } of faults(connection, before.knownVersion)) {
      const sql = wantedIndexes(before.knownVersion).get(index);
      if (kind !== 'missing' || sql === undefined) continue;
      await retryWhileBusy(() => connection.exec(sql.replace('INDEX ', 'INDEX IF NOT EXISTS ')));
      mended.push(`made the index ${index}`);
    }
    return mended;
  } catch (error) {
    throw new StoreUnavailableError(error);
  } finally {
    connection.close();
  }
}
