import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, describe } from '@jest/globals';
import Database from 'libsql';
import { mongo } from 'mongoose';
import { withoutTimeout } from '../../src/store/mongo/guard.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';

export type Table = 'accounts' | 'sessions' | 'keys' | 'mails';

/** A database of its own, and ways into it. */
export interface StoreUnderTest {
  readonly kind: 'sqlite' | 'mongo';
  readonly url: string;
  /** A store on the database; closed after the tests. Each call gives another one. */
  open(): Promise<Store>;
  /** The row or document as the bare driver sees it, on a connection of its own; null when there is none. */
  row(table: Table, id: string): Promise<Record<string, unknown> | null>;
}

/** Runs the block of tests for SQLite in a file, and for MongoDB where there is one. */
export function describeStores(name: string, block: (database: StoreUnderTest) => void): void {
  describe(`${name} (SQLite)`, () => block(track(sqliteDatabase())));
  const server = process.env.LATCHKEY_TEST_MONGO_URL;
  // Announced by the banner of `jest-setup.ts`; REQUIRE_MONGO=1 makes it a failure there.
  if (server === undefined) describe.skip(`${name} (MongoDB)`, () => block(track(mongoDatabase('mongodb://none'))));
  else describe(`${name} (MongoDB)`, () => block(track(mongoDatabase(server))));
}

/** A file that is not there yet, in a folder that goes after the run. */
export function sqlitePath(): string {
  return join(process.env.LATCHKEY_TEST_DIR ?? '/tmp', `${randomUUID()}.db`);
}

/** The server's URL with the name of a fresh database. */
export function mongoUrl(server: string, database = `test-${randomUUID()}`): string {
  return server.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/, `$1/${database}$2`);
}

interface Opened extends Omit<StoreUnderTest, 'open'> {
  letGo(): Promise<void>;
}

function track(database: Opened): StoreUnderTest {
  const stores: Store[] = [];
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database.letGo();
  });
  return {
    ...database,
    open: async () => {
      const store = await openStore(database.url);
      stores.push(store);
      return store;
    },
  };
}

function sqliteDatabase(): Opened {
  const path = sqlitePath();
  return {
    kind: 'sqlite',
    url: `sqlite:${path}`,
    row: async (table, id) => {
      const connection = new Database(path, { timeout: 1_000 });
      const row = connection.prepare(`SELECT * FROM ${table} WHERE id = ?`).all(id)[0];
      connection.close();
      return (row as Record<string, unknown> | undefined) ?? null;
    },
    letGo: async () => {},
  };
}

function mongoDatabase(server: string): Opened {
  const url = mongoUrl(server);
  let client: mongo.MongoClient | null = null;
  const database = () => {
    client ??= new mongo.MongoClient(withoutTimeout(url));
    return client.db();
  };
  return {
    kind: 'mongo',
    url,
    row: (table, id) => database().collection<{ _id: string }>(table).findOne({ _id: id }),
    letGo: async () => {
      if (client === null) return;
      await client.db().dropDatabase();
      await client.close();
    },
  };
}
