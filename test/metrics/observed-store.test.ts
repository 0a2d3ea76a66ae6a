import { describe, expect, it } from '@jest/globals';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { observeStore } from '../../src/telemetry/observed-store.js';
import { memoryStore, storeWith } from '../support/factories.js';
import { anAccount, anEnding, aSession, t0 } from '../support/records.js';
import { callAll, reads, writes } from '../support/store-verbs.js';
import { samplesOf } from './scrape.js';

const observe = (store: Store) => {
  const metrics = new Metrics();
  return { metrics, store: observeStore(store, { metrics, tracing: null }) };
};

describe('An observed store', () => {
  it('measures every verb', async () => {
    const { metrics, store } = observe(await memoryStore());
    await callAll(store, { ...reads, ...writes });
    await store.readClock();
    await store.close();
    const verbs = [...Object.keys(reads), ...Object.keys(writes), 'readClock', 'close'];
    const counts = samplesOf(await metrics.render(), 'latchkey_store_duration_seconds_count');
    expect(counts).toEqual(Object.fromEntries(verbs.map((verb) => [`{verb="${verb}"}`, 1])));
  });

  it('measures a verb that the port does not have yet', async () => {
    const later = { findLater: async (id: string) => `found ${id}` };
    const { metrics, store } = observe(storeWith(await memoryStore(), later as Partial<Store>));
    expect(await (store as unknown as typeof later).findLater('a')).toBe('found a');
    expect(samplesOf(await metrics.render(), 'latchkey_store_duration_seconds_count')).toEqual({ '{verb="findLater"}': 1 });
  });

  it('hands on what the store says, errors as the very same', async () => {
    const failure = new StoreUnavailableError(new Error('away'));
    const { metrics, store } = observe(storeWith(await memoryStore(), { ping: () => Promise.reject(failure) }));
    await expect(store.ping()).rejects.toBe(failure);
    const account = anAccount();
    await store.createAccount(account);
    expect(await store.findAccount(account.id)).toEqual(account);
    await expect(store.createAccount(anAccount({ email: account.email }))).rejects.toMatchObject({ field: 'email' });
    expect(samplesOf(await metrics.render(), 'latchkey_store_errors_total')).toEqual({ '{verb="ping"}': 1 });
  });

  it('counts the sessions that a call has ended, and none that had ended already', async () => {
    const { metrics, store } = observe(await memoryStore());
    const account = anAccount();
    await store.createAccount(account);
    const sessions = [1, 2, 3].map((ordinal) => aSession({ accountId: account.id, ordinal }));
    for (const session of sessions) await store.createSession(session);
    const id = sessions[0]?.id ?? '';
    await store.revoke(id, null, anEnding({ reason: 'LOGOUT' }), t0);
    await store.revoke(id, null, anEnding({ reason: 'TOKEN_REVOKED' }), t0);
    await store.revoke('none', null, anEnding(), t0);
    const all = { accountId: account.id, epochBelow: null, ordinalAtMost: null, exceptId: null };
    await store.revokeWhere(all, anEnding({ reason: 'SESSION_LIMIT' }), t0);
    await store.revokeWhere(all, anEnding({ reason: 'SESSION_LIMIT' }), t0);
    expect(samplesOf(await metrics.render(), 'latchkey_sessions_ended_total')).toEqual({
      '{reason="LOGOUT"}': 1,
      '{reason="SESSION_LIMIT"}': 2,
    });
  });
});
