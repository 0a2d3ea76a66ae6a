import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { Guard, timeLimits, withoutTimeout } from '../../src/store/mongo/guard.js';
import { indexes } from '../../src/store/mongo/indexes.js';
import { migrate, migrations } from '../../src/store/mongo/migrations.js';
import { openMongoStore } from '../../src/store/mongo/open.js';
import { type Store, StoreUnavailableError, StoreVersionError } from '../../src/store/port.js';
import { freePort } from '../support/mongo-server.js';
import { anAccount } from '../support/records.js';
import { stopwatch } from '../support/stalls.js';
import { mongoUrl } from '../support/stores.js';

const server = process.env.LATCHKEY_TEST_MONGO_URL;

(server === undefined ? describe.skip : describe)('the MongoDB store', () => {
  const url = mongoUrl(server ?? 'mongodb://none');
  const client = new mongo.MongoClient(withoutTimeout(url));
  const stores: Store[] = [];
  const open = async () => {
    const store = await openMongoStore(url);
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await client.db().dropDatabase();
  });
  afterAll(() => client.close());

  const found = async (collection: string) => {
    const list = await client.db().collection(collection).indexes();
    return list
      .filter(({ name }) => name !== '_id_')
      .map(({ v: _, ...index }) => index)
      .sort((a, b) => String(a.name).localeCompare(String(b.name)));
  };
  const wanted = (collection: keyof typeof indexes) => [...indexes[collection]].sort((a, b) => a.name.localeCompare(b.name));

  describe('indexes', () => {
    it('are there, with exactly their options, when the store is open', async () => {
      await open();
      expect(await found('accounts')).toEqual(wanted('accounts'));
      expect(await found('sessions')).toEqual(wanted('sessions'));
      expect(await found('keys')).toEqual(wanted('keys'));
      expect(await found('auditEvents')).toEqual(wanted('auditEvents'));
      expect(await found('tallies')).toEqual(wanted('tallies'));
    });

    it('come back at start when one was lost', async () => {
      await open();
      await client.db().collection('accounts').dropIndex('usernameKey');
      await client.db().collection('sessions').dropIndex('purge');
      await open();
      expect(await found('accounts')).toEqual(wanted('accounts'));
      expect(await found('sessions')).toEqual(wanted('sessions'));
    });

    it('stop the start when the data do not allow them', async () => {
      const documents = [{ email: 'twice' }, { email: 'twice' }];
      await client.db().collection('accounts').insertMany(documents);
      await expect(openMongoStore(url)).rejects.toThrow(/accounts\.email/);
      await expect(openMongoStore(url)).rejects.toBeInstanceOf(StoreVersionError);
    });
  });

  describe('versions', () => {
    const version = async () =>
      (await client.db().collection<{ _id: string; version: number }>('meta').findOne({ _id: 'schema' }))?.version;

    it('are recorded once, also by many that start at once', async () => {
      await Promise.all([open(), open(), open()]);
      expect(await version()).toBe(migrations.length);
      expect(await client.db().collection('meta').countDocuments()).toBe(1);
    });

    it('run the steps that are missing, in order', async () => {
      await open();
      const ran: number[] = [];
      const step = (number: number) => async () => void ran.push(number);
      const steps = [...migrations, step(1), step(2)];
      await migrate(client.db(), steps);
      await migrate(client.db(), steps);
      expect(ran).toEqual([1, 2]);
      expect(await version()).toBe(steps.length);
    });

    it('refuse newer data and say what to do', async () => {
      await client.db().collection<{ _id: string; version: number }>('meta').insertOne({ _id: 'schema', version: 999 });
      const opening = openMongoStore(url);
      await expect(opening).rejects.toBeInstanceOf(StoreVersionError);
      await expect(opening).rejects.toThrow(/version 999.*run the newer Latchkey/);
    });
  });

  describe('the connection', () => {
    it('uses the database of the URL, and latchkey when it names none', async () => {
      const store = await open();
      const account = anAccount();
      await store.createAccount(account);
      expect(await client.db().collection<{ _id: string }>('accounts').findOne({ _id: account.id })).not.toBeNull();
      const fallback = await openMongoStore(String(server));
      stores.push(fallback);
      await fallback.createAccount(account);
      const latchkey = client.db('latchkey');
      expect(await latchkey.collection<{ _id: string }>('accounts').findOne({ _id: account.id })).not.toBeNull();
      await latchkey.dropDatabase();
    });

    it('rejects when nobody listens, within 3 s and without a word of the URL', async () => {
      const sinceStart = stopwatch();
      const opening = openMongoStore(`mongodb://user:secret-word@127.0.0.1:${await freePort()}/name`);
      const error = (await opening.catch((reason: unknown) => reason)) as Error;
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(sinceStart()).toBeLessThan(3_000);
      expect(allText(error)).not.toContain('secret-word');
    });

    it('takes the time of a call from timeoutMS of the URL, which the driver no longer knows', async () => {
      expect(timeLimits('mongodb://host/name?timeoutMS=6000&w=1')).toEqual({ verb: 6_000, wait: 5_000 });
      expect(timeLimits('mongodb://host/name?directConnection=true')).toEqual({ verb: 2_400, wait: 2_000 });
      expect(timeLimits('mongodb://host/?w=1&timeoutms=1').verb).toBe(100);
      expect(timeLimits('mongodb://host/?timeoutMS=999999999').verb).toBe(60_000);
      expect(timeLimits('mongodb://host/timeoutMS=1?wtimeoutMS=5').verb).toBe(2_400);
      expect(withoutTimeout('mongodb://host/?timeoutMS=6000&w=1')).toBe('mongodb://host/?w=1');
      const sinceStart = stopwatch();
      const opening = openMongoStore(`mongodb://127.0.0.1:${await freePort()}/name?timeoutMS=600`);
      await expect(opening).rejects.toBeInstanceOf(StoreUnavailableError);
      expect(sinceStart()).toBeLessThan(1_900);
      await expect(new Guard(timeLimits('mongodb://host/?timeoutMS=100')).run(() => new Promise(() => {}))).rejects.toBeInstanceOf(
        StoreUnavailableError,
      );
    });

    it.each([
      'mongodb://user:secret-word@',
      'mongodb://user:secret-word@host:port/',
      'mongodb://user:secret-word@127.0.0.1/?nonsense=secret-word',
      'mongodb://user:secret@word@127.0.0.1/',
      'postgres://user:secret-word@host/',
    ])('rejects the malformed URL %s without a word of it', async (malformed) => {
      const error = (await openMongoStore(malformed).catch((reason: unknown) => reason)) as Error;
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(allText(error)).not.toMatch(/secret|word/);
    });
  });

  describe('a filter', () => {
    let store: Store;
    beforeAll(async () => {
      store = await openMongoStore(url);
    });
    afterAll(() => store.close());

    it('never takes an operator from outside', async () => {
      const operator = { $ne: '' } as never;
      await expect(store.findAccount(operator)).rejects.toThrow();
      await expect(store.findAccountByEmail(operator)).rejects.toThrow();
      await expect(store.rehashPassword('a', operator, 'new')).rejects.toThrow();
      await expect(store.revoke(operator, null, { at: 1, reason: 'LOGOUT', by: null }, 1)).rejects.toThrow();
    });
  });
});

/** Everything that a log could print of an error. */
function allText(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 5) return JSON.stringify(error) ?? '';
  return [error.message, error.stack, JSON.stringify(error, Object.getOwnPropertyNames(error)), allText(error.cause, depth + 1)].join('\n');
}
