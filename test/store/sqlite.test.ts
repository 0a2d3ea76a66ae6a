import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { DuplicateError, type Store, StoreUnavailableError, StoreVersionError } from '../../src/store/port.js';
import { Changes } from '../../src/store/sqlite/changes.js';
import { Checkpointer } from '../../src/store/sqlite/checkpointer.js';
import { Connection, UnbindableError } from '../../src/store/sqlite/connection.js';
import { migrate, migrations } from '../../src/store/sqlite/migrations.js';
import { openSqliteStore } from '../../src/store/sqlite/open.js';
import { SessionStream } from '../../src/store/sqlite/session-stream.js';
import { SqliteStore } from '../../src/store/sqlite/store.js';
import { Writer } from '../../src/store/sqlite/writer.js';
import { anAccount, anAccountQuery, anAuditQuery, anEnding, aQuery, aSearch, aSession, t0 } from '../support/records.js';
import { allOf, callAll, reads, writes } from '../support/store-verbs.js';
import { sqlitePath } from '../support/stores.js';

const closing: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of closing.splice(0)) await thing.close();
});
function closeLater<T extends { close(): unknown }>(thing: T): T {
  closing.push(thing);
  return thing;
}
const open = async (path = sqlitePath()): Promise<Store> => closeLater(await openSqliteStore(path));
const bare = (path: string) => closeLater(new Database(path, { timeout: 1_000 }));

/** A store whose parts can be looked at. */
async function dismantled(path = sqlitePath()) {
  await (await openSqliteStore(path)).close();
  const connection = new Connection(path);
  const changes = new Changes(connection);
  const writer = new Writer(connection, null, () => changes.afterCommit());
  return {
    path,
    connection,
    writer,
    store: closeLater(new SqliteStore(connection, writer, { changes, sessionStream: new SessionStream(connection) }, null)),
  };
}

describe('opening a SQLite store', () => {
  it('creates folder and file for the owner alone', async () => {
    const path = join(dirname(sqlitePath()), 'made', `${Math.random()}`, 'latchkey.db');
    await open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it('leaves the mode of a folder that is there', async () => {
    const folder = join(dirname(sqlitePath()), `${Math.random()}`);
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    await open(join(folder, 'latchkey.db'));
    expect(statSync(folder).mode & 0o777).toBe(0o755);
  });

  it('works in memory', async () => {
    const store = await open(':memory:');
    const account = anAccount();
    await store.createAccount(account);
    expect(await store.findAccount(account.id)).toEqual(account);
    expect(existsSync(':memory:')).toBe(false);
  });

  it('sets what durability needs', async () => {
    const { connection } = await dismantled();
    expect(connection.pragma('journal_mode')).toBe('wal');
    expect(connection.pragma('synchronous')).toBe(2);
  });

  it('migrates an empty file once, and an older version by the steps that are missing', async () => {
    const path = sqlitePath();
    await open(path);
    await open(path);
    expect(bare(path).pragma('user_version')).toEqual([{ user_version: migrations.length }]);
    const connection = closeLater(new Connection(path));
    const steps = [...migrations, 'CREATE TABLE added (id TEXT) STRICT'];
    await migrate(connection, steps);
    await migrate(connection, steps);
    expect(connection.pragma('user_version')).toBe(migrations.length + 1);
  });

  it('takes a failed migration back as a whole', async () => {
    const path = sqlitePath();
    await open(path);
    const connection = closeLater(new Connection(path));
    const steps = [...migrations, 'CREATE TABLE half (id TEXT)', 'nonsense'];
    await expect(migrate(connection, steps)).rejects.toThrow();
    expect(connection.pragma('user_version')).toBe(migrations.length);
    expect(connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", {})).toBe(0);
  });

  it('refuses a newer version and says what to do', async () => {
    const path = sqlitePath();
    bare(path).exec('PRAGMA user_version = 999');
    const opening = openSqliteStore(path);
    await expect(opening).rejects.toBeInstanceOf(StoreVersionError);
    await expect(opening).rejects.toThrow(/version 999.*run the newer Latchkey/);
  });

  it("refuses another program's database", async () => {
    const path = sqlitePath();
    bare(path).exec('CREATE TABLE theirs (id TEXT)');
    await expect(openSqliteStore(path)).rejects.toBeInstanceOf(StoreVersionError);
  });

  it('refuses what is not a database, a folder and what cannot be reached', async () => {
    const path = sqlitePath();
    writeFileSync(path, 'not a database '.repeat(500));
    await expect(openSqliteStore(path)).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(openSqliteStore(dirname(path))).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(openSqliteStore(join(path, 'below', 'a.db'))).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  it('succeeds for many that start at once on a new file', async () => {
    const path = sqlitePath();
    const stores = await Promise.all(Array.from({ length: 5 }, () => open(path)));
    await Promise.all(stores.map((store) => store.createAccount(anAccount())));
  });

  it('waits for another process that has the write lock', async () => {
    const path = sqlitePath();
    const script = `const db = new (require('libsql'))(process.argv[1]); db.pragma('journal_mode = WAL');
      db.exec('BEGIN IMMEDIATE'); console.log('locked'); setTimeout(() => { db.exec('COMMIT'); db.close(); }, 400);`;
    const cwd = dirname(String(expect.getState().testPath));
    const child = promisify(execFile)(process.execPath, ['-e', script, path], { cwd });
    await Promise.race([child, new Promise((resolve) => child.child.stdout?.once('data', resolve))]);
    const store = await open(path);
    await store.ping();
    await child;
  });
});

describe('writes that come together', () => {
  it('share one commit', async () => {
    const { store, writer, path } = await dismantled();
    const accounts = Array.from({ length: 50 }, () => anAccount());
    const second = bare(path);
    await Promise.all(accounts.map((account) => store.createAccount(account)));
    expect(writer.commits).toBe(1);
    expect(second.prepare('SELECT count(*) AS n FROM accounts').all()).toEqual([{ n: 50 }]);
    await store.createAccount(anAccount());
    expect(writer.commits).toBe(2);
  });

  it('fail each for itself', async () => {
    const { store, writer } = await dismantled();
    const [first, second] = [anAccount(), anAccount()];
    const results = await Promise.allSettled([
      store.createAccount(first),
      store.createAccount(anAccount({ email: first.email })),
      store.createAccount(second),
      store.setRoles(first.id, 1, ['ADMIN'], t0),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toEqual(new DuplicateError('email'));
    expect(writer.commits).toBe(1);
    expect(await store.findAccount(second.id)).toEqual(second);
    expect((await store.findAccount(first.id))?.roles).toEqual(['ADMIN']);
  });

  it('undo what a failing one has done before it failed', async () => {
    const { store, writer, connection } = await dismantled();
    const account = anAccount();
    await store.createAccount(account);
    const failing = writer.write(() => {
      connection.run('UPDATE accounts SET version = 99 WHERE id = :id', { id: account.id });
      connection.run('nonsense');
    });
    const other = store.recordSignIn(account.id, t0);
    await expect(failing).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(await other).toBe(1);
    expect((await store.findAccount(account.id))?.version).toBe(1);
  });

  it('reject values that would abort the process', async () => {
    const store = await open();
    const account = anAccount({ email: { $ne: '' } as never });
    await expect(store.createAccount(account)).rejects.toBeInstanceOf(UnbindableError);
    await expect(store.findAccount(true as never)).rejects.toBeInstanceOf(UnbindableError);
    await expect(store.findAccount(undefined as never)).rejects.toBeInstanceOf(UnbindableError);
    await expect(store.recordSignIn(account.id, Number.NaN)).rejects.toBeInstanceOf(UnbindableError);
  });
});

describe('a file that another process has locked', () => {
  it('rejects writes within 3 s, applies none, keeps reading, and recovers', async () => {
    const path = sqlitePath();
    const store = await open(path);
    const account = anAccount();
    await store.createAccount(account);
    const other = bare(path);
    other.exec('BEGIN IMMEDIATE');
    const rejected = callAll(store, writes);
    // In time for its own 2.2 s, also on a machine that stalls.
    const late = delay(2_000).then(() => store.setRoles(account.id, 1, ['LATE'], t0));
    late.catch(() => {});
    expect(await callAll(store, reads)).toEqual(allOf(reads, 'resolved'));
    expect(await store.findAccount(account.id)).toEqual(account);
    expect(await rejected).toEqual(allOf(writes, 'StoreUnavailableError'));
    other.exec('COMMIT');
    expect((await late)?.roles).toEqual(['LATE']);
    expect(other.prepare('SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM sessions) AS n').all()).toEqual([{ n: 1 }]);
    expect(await callAll(store, writes)).toEqual(allOf(writes, 'resolved'));
  });

  it('does not hold the event loop meanwhile', async () => {
    const path = sqlitePath();
    const store = await open(path);
    const other = bare(path);
    other.exec('BEGIN IMMEDIATE');
    const writing = store.createAccount(anAccount());
    const longestOf = async (turns: number) => {
      let longestMs = 0;
      for (let turn = 0, last = performance.now(); turn < turns; turn += 1) {
        await delay(5);
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      }
      return longestMs;
    };
    // A busy machine may hold it for once; a store that waits in it does so each time.
    const longestMs = Math.min(await longestOf(40), await longestOf(40), await longestOf(40));
    other.exec('COMMIT');
    await writing;
    expect(longestMs).toBeLessThan(250);
  });
});

describe('the write-ahead log', () => {
  it('stays bounded, with automatic checkpoints off', async () => {
    const path = sqlitePath();
    const store = await open(path);
    const userAgent = 'x'.repeat(5_000);
    let largest = 0;
    for (let round = 0; round < 60; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => store.createSession(aSession({ userAgent }))));
      largest = Math.max(largest, statSync(`${path}-wal`).size);
    }
    expect(statSync(path).size).toBeGreaterThan(12 * 1024 * 1024);
    expect(largest).toBeLessThan(6 * 1024 * 1024);
  });

  it('is not checkpointed while another process writes', async () => {
    const { path, connection } = await dismantled();
    connection.pragma('wal_autocheckpoint = 0');
    const lock = closeLater(new Connection(path));
    const checkpointer = new Checkpointer(connection, lock);
    connection.exec('CREATE TABLE bulk (x BLOB)');
    connection.run('INSERT INTO bulk VALUES (zeroblob(6000000))');
    const sizeBefore = statSync(path).size;
    const other = bare(path);
    other.exec('BEGIN IMMEDIATE');
    checkpointer.afterCommit();
    expect(statSync(path).size).toBe(sizeBefore);
    other.exec('COMMIT');
    connection.run('INSERT INTO bulk VALUES (zeroblob(2000000))');
    checkpointer.afterCommit();
    expect(statSync(path).size).toBeGreaterThan(sizeBefore + 6_000_000);
  });
});

const lastSeen = { lastSeenBefore: t0, lastSeenAfter: t0, createdBefore: t0, createdAfter: t0 };
const searches = [
  aSearch(),
  aSearch({ ids: ['a', 'b'], deviceKind: 'BOT' }),
  ...(['ACTIVE', 'EXPIRED', 'REVOKED'] as const).flatMap((recordState) => [
    aSearch({ recordState, userAgent: 'a', ...lastSeen }),
    aSearch({ recordState, accountId: 'a', ipAddress: 'b', deviceKind: 'BOT', ...lastSeen }),
    aSearch({ recordState, ipAddress: 'b', ...lastSeen }),
  ]),
];

const auditSearches = [
  anAuditQuery(),
  anAuditQuery({ types: ['LOGIN', 'LOGOUT'] }),
  ...[{ accountId: 'a' }, { sessionId: 'a' }, { ipAddress: 'a' }, { accountId: 'a', sessionId: 'b', ipAddress: 'c' }].flatMap((by) => [
    anAuditQuery(by),
    anAuditQuery({ ...by, types: ['LOGIN', 'LOGOUT'], createdAfter: t0, createdBefore: t0 + 1 }),
  ]),
];

describe('query plans', () => {
  it('search by index, and sort nothing', async () => {
    const { store, connection } = await dismantled();
    const used = new Map<string, Readonly<Record<string, unknown>>>();
    for (const method of ['run', 'rows', 'number'] as const) {
      const original = connection[method].bind(connection) as (sql: string, values?: object) => never;
      connection[method] = ((sql: string, values = {}) => {
        if (/^(SELECT|UPDATE|DELETE)/.test(sql)) used.set(sql, values as Record<string, unknown>);
        return original(sql, values);
      }) as never;
    }
    await callAll(store, reads);
    await callAll(store, writes);
    await store.purge(t0, 10);
    await store.forgetChanges(t0, 10);
    for (const state of ['ACTIVE', 'EXPIRED', 'REVOKED', null] as const) {
      const query = aQuery('a', { state, epochRaisedAt: t0, keptSessionId: 'k' });
      await store.listSessions(query, { limit: 5, after: null });
      await store.listSessions(query, { limit: 5, after: { createdAt: t0, id: 'a' } });
      await store.countSessions(query, 10);
    }
    await store.revokeWhere({ accountId: 'a', epochBelow: 2, ordinalAtMost: 3, exceptId: 'b' }, anEnding(), t0);
    for (const after of [null, { createdAt: t0, id: 'a' }]) {
      for (const query of [anAccountQuery(), anAccountQuery({ search: 'a', role: 'admin', disabled: false, emailVerified: true })]) {
        await store.listAccounts(query, { limit: 5, after });
        await store.countAccounts(query, 10);
      }
      for (const query of searches) {
        await store.listAllSessions(query, { limit: 5, after });
        await store.countAllSessions(query, 10);
      }
      for (const query of auditSearches) await store.listAudit(query, { limit: 5, after });
    }
    expect(used.size).toBeGreaterThan(60);
    const plan = bare(connection.path);
    for (const [sql, values] of used) {
      const details = plan.prepare<[object]>(`EXPLAIN QUERY PLAN ${sql}`).all(values) as { detail: string }[];
      const bad = details.filter(({ detail }) => {
        const small =
          /^SCAN (keys|sqlite_sequence|session_watchers)/.test(detail) ||
          detail.startsWith('SCAN json_each VIRTUAL TABLE') ||
          detail === 'SCAN CONSTANT ROW' ||
          /^SCAN \(/.test(detail);
        return (detail.startsWith('SCAN') && !small) || detail.includes('TEMP B-TREE');
      });
      expect({ sql, bad }).toEqual({ sql, bad: [] });
    }
  });
});
