import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openMongoStore } from '../../src/store/mongo/open.js';
import type { Store } from '../../src/store/port.js';
import { type MongoServer, privateMongoProgram, startMongo } from '../support/mongo-server.js';
import { anAccount } from '../support/records.js';
import { allOf, callAll, callInTurn, reads, writes } from '../support/store-verbs.js';

const program = privateMongoProgram();
const verbs = { ...reads, ...writes, readClock: (store: Store) => store.readClock() };

async function untilAnswering(store: Store): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    try {
      return await store.ping();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await delay(100);
    }
  }
}

describe.each([
  ['a replica set', false],
  ['a stand-alone server', true],
])('an outage of %s', (_, standalone) => {
  if (program === null) {
    // Nobody's own MongoDB (MONGODB_URI) is frozen or killed for a test. CI fails on any skipped test, so there it always runs.
    it.skip('needs a server of our own', () => {});
    return;
  }
  let server: MongoServer;
  let store: Store;
  const account = anAccount();
  beforeAll(async () => {
    server = await startMongo(program, standalone);
    store = await openMongoStore(server.url.replace('/?', '/outage?'));
    await store.createAccount(account);
  });
  afterAll(async () => {
    await store?.close();
    await server?.remove();
  });

  it('does not hinder anything before', async () => {
    expect(await callInTurn(store, verbs)).toEqual(allOf(verbs, 'resolved'));
  });

  it('makes every verb reject in time while the server is frozen, and passes', async () => {
    server.freeze();
    expect(await callAll(store, verbs)).toEqual(allOf(verbs, 'StoreUnavailableError'));
    expect(await callAll(store, verbs)).toEqual(allOf(verbs, 'StoreUnavailableError'));
    server.thaw();
    await untilAnswering(store);
    expect(await callInTurn(store, verbs)).toEqual(allOf(verbs, 'resolved'));
  });

  it('makes every verb reject in time when the server was killed, and passes', async () => {
    await server.kill();
    expect(await callAll(store, verbs)).toEqual(allOf(verbs, 'StoreUnavailableError'));
    await server.start();
    await untilAnswering(store);
    expect(await store.findAccount(account.id)).toEqual(account);
    expect(await callInTurn(store, verbs)).toEqual(allOf(verbs, 'resolved'));
  });
});
