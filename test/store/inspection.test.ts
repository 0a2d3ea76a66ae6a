import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { mongo } from 'mongoose';
import { withoutTimeout } from '../../src/store/mongo/guard.js';
import { inspectStore, mendStore, openStore } from '../../src/store/open.js';
import { StoreUnavailableError, StoreVersionError } from '../../src/store/port.js';
import { migrations } from '../../src/store/sqlite/migrations.js';
import { freePort } from '../support/mongo-server.js';
import { aKey } from '../support/records.js';
import { temporaryFolder } from '../support/server.js';
import { describeStores, mongoUrl, sqlitePath } from '../support/stores.js';

describeStores('a look at a store', (database) => {
  it('tells of keys, version and indexes', async () => {
    expect(await inspectStore(database.url)).toMatchObject({ exists: false, indexFaults: [], keys: [] });
    const store = await database.open();
    const key = aKey();
    await store.addKey(key);
    const found = await inspectStore(database.url);
    expect(found).toMatchObject({ exists: true, version: found.knownVersion, indexFaults: [], keys: [key] });
    if (database.kind === 'sqlite') expect(found).toMatchObject({ clockOffsetMs: null, file: database.url.slice('sqlite:'.length) });
    else expect(Math.abs(Number(found.clockOffsetMs))).toBeLessThan(5_000);
    expect(await mendStore(database.url)).toEqual([]);
  });
});

describe('a look at a SQLite file', () => {
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  const beside = (path: string) => readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)));

  it('makes nothing where there is nothing, and leaves a file and its folder as they are', async () => {
    const missing = join(temporaryFolder(), 'none', 'latchkey.db');
    expect(await inspectStore(`sqlite:${missing}`)).toMatchObject({ exists: false, file: missing });
    expect(existsSync(dirname(missing))).toBe(false);

    const path = join(temporaryFolder(), 'with #sign?.db');
    const old = new Database(path);
    old.exec(`${migrations[0]}; PRAGMA user_version = 1`);
    old.close();
    const before = [digest(path), beside(path)];
    expect(await inspectStore(`sqlite:${path}`)).toMatchObject({
      exists: true,
      version: 1,
      knownVersion: migrations.length,
      indexFaults: [],
    });
    expect([digest(path), beside(path)]).toEqual(before);
    expect(await mendStore(`sqlite:${path}`)).toEqual([`migrated from version 1 to ${migrations.length}`]);
  });

  it('finds and mends an index that was lost, and reads beside a running server', async () => {
    const path = sqlitePath();
    const store = await openStore(`sqlite:${path}`);
    const other = new Database(path, { timeout: 1_000 });
    other.exec('DROP INDEX sessions_newest; DROP INDEX accounts_email; CREATE INDEX accounts_email ON accounts (email)');
    other.close();
    const faults = [
      { index: 'accounts_email', kind: 'different' },
      { index: 'sessions_newest', kind: 'missing' },
    ];
    expect((await inspectStore(`sqlite:${path}`)).indexFaults).toEqual(faults);
    expect(await mendStore(`sqlite:${path}`)).toEqual(['made the index sessions_newest']);
    expect((await inspectStore(`sqlite:${path}`)).indexFaults).toEqual(faults.slice(0, 1));
    await store.close();
  });

  it('refuses what is not ours', async () => {
    const path = sqlitePath();
    const theirs = new Database(path);
    theirs.exec('CREATE TABLE theirs (id TEXT)');
    theirs.close();
    await expect(inspectStore(`sqlite:${path}`)).rejects.toBeInstanceOf(StoreVersionError);
    await expect(inspectStore(`sqlite:${dirname(path)}`)).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});

const server = process.env.LATCHKEY_TEST_MONGO_URL;
// Announced by the banner of `jest-setup.ts`; REQUIRE_MONGO=1 makes it a failure there.
(server === undefined ? describe.skip : describe)('a look at MongoDB', () => {
  const url = mongoUrl(server ?? 'mongodb://none');
  const client = new mongo.MongoClient(withoutTimeout(url));
  afterAll(async () => {
    await client.db().dropDatabase();
    await client.close();
  });

  it('makes no collection', async () => {
    await inspectStore(url);
    expect(await client.db().listCollections().toArray()).toEqual([]);
  });

  it('finds indexes that were lost or have drifted, and mends all but what guards uniqueness', async () => {
    await (await openStore(url)).close();
    const sessions = client.db().collection('sessions');
    const accounts = client.db().collection('accounts');
    await sessions.dropIndex('purge');
    await sessions.createIndex({ purgeAt: 1 }, { name: 'purge', expireAfterSeconds: 3_600 });
    await sessions.dropIndex('ordinal');
    await accounts.dropIndex('present');
    expect((await inspectStore(url)).indexFaults).toEqual([
      { index: 'accounts.present', kind: 'missing' },
      { index: 'sessions.ordinal', kind: 'missing' },
      { index: 'sessions.purge', kind: 'ttl' },
    ]);
    expect([...(await mendStore(url))].sort()).toEqual([
      'made the index accounts.present',
      'made the index sessions.ordinal',
      'set the index sessions.purge to remove records when they are due',
    ]);
    expect((await inspectStore(url)).indexFaults).toEqual([]);
    await (await openStore(url)).close();

    await sessions.dropIndex('purge');
    await sessions.createIndex({ purgeAt: 1 }, { name: 'purge' });
    await expect(openStore(url)).rejects.toBeInstanceOf(StoreVersionError);
    expect(await mendStore(url)).toEqual(['set the index sessions.purge to remove records when they are due']);

    await accounts.dropIndex('email');
    await accounts.createIndex({ email: 1 }, { name: 'email' });
    expect((await inspectStore(url)).indexFaults).toEqual([{ index: 'accounts.email', kind: 'different' }]);
    await expect(mendStore(url)).rejects.toBeInstanceOf(StoreVersionError);
    expect((await inspectStore(url)).indexFaults).toEqual([{ index: 'accounts.email', kind: 'different' }]);
  });

  it('rejects when nobody listens', async () => {
    await expect(inspectStore(`mongodb://127.0.0.1:${await freePort()}/name`)).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});
