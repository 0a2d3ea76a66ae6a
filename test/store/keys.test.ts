import { beforeAll, expect, it } from '@jest/globals';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { aKey, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

describeStores('keys and the store itself', (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  it('lists whole keys in order of purpose and sequence', async () => {
    const keys = [
      aKey({ purpose: 'signing', sequence: 2, revokedAt: t0 }),
      aKey({ purpose: 'pepper', sequence: 1, algorithm: null, wrapped: {} }),
      aKey({ purpose: 'signing', sequence: 10 }),
      aKey({ purpose: 'signing', sequence: 1 }),
      aKey({ purpose: 'refresh-mac', sequence: 2 }),
    ];
    for (const key of keys) expect(await store.addKey(key)).toBe(true);
    expect(await store.listKeys()).toEqual([keys[1], keys[4], keys[3], keys[0], keys[2]]);
  });

  it('gives a sequence number to one of many at once', async () => {
    const other = await database.open();
    const keys = Array.from({ length: 16 }, () => aKey({ purpose: 'refresh-mac', sequence: 1 }));
    const added = await Promise.all(keys.map((key, index) => (index % 2 ? store : other).addKey(key)));
    expect(added.filter(Boolean)).toHaveLength(1);
    const stored = (await store.listKeys()).filter(({ purpose, sequence }) => purpose === 'refresh-mac' && sequence === 1);
    expect(stored).toEqual([keys[added.indexOf(true)]]);
    expect(await database.row('keys', String(keys[added.indexOf(false)]?.id))).toBeNull();
  });

  it.each(['second', 'with.dot', '$dollar', 'a/b "c" %41', '\0', '__proto__'])('adds a wrapping under %j', async (secretId) => {
    const key = aKey({ purpose: 'signing', sequence: 100 + Math.floor(Math.random() * 1e9) });
    await store.addKey(key);
    await store.addWrapping(key.id, secretId, 'earlier');
    await store.addWrapping(key.id, secretId, 'later');
    const found = (await store.listKeys()).find(({ id }) => id === key.id);
    expect(Object.entries(found?.wrapped ?? {}).sort()).toEqual(
      [
        ['first', 'ciphertext'],
        [secretId, 'later'],
      ].sort(),
    );
  });

  it('keeps the wrappings that are added at once', async () => {
    const key = aKey({ purpose: 'pepper', sequence: 50 });
    await store.addKey(key);
    const secrets = Array.from({ length: 8 }, (_, index) => `secret-${index}`);
    await Promise.all(secrets.map((secret) => store.addWrapping(key.id, secret, secret)));
    const found = (await store.listKeys()).find(({ id }) => id === key.id);
    expect(Object.keys(found?.wrapped ?? {}).sort()).toEqual(['first', ...secrets]);
  });

  it('removes wrappings, but only while those to be kept are as they were read', async () => {
    const key = aKey({ sequence: 60, wrapped: { first: 'a', 'second.dot': 'b', third: 'c' } });
    await store.addKey(key);
    const wrapped = async () => (await store.listKeys()).find(({ id }) => id === key.id)?.wrapped;
    expect(await store.removeWrappings(key.id, ['third'], { first: 'a', missing: 'x' })).toBe(false);
    expect(await store.removeWrappings(key.id, ['third'], { first: 'other' })).toBe(false);
    expect(await store.removeWrappings('unknown', ['third'], {})).toBe(false);
    expect(await wrapped()).toEqual(key.wrapped);
    expect(await store.removeWrappings(key.id, ['third', 'unknown'], { first: 'a' })).toBe(true);
    expect(await store.removeWrappings(key.id, [], { first: 'a' })).toBe(true);
    expect(await wrapped()).toEqual({ first: 'a', 'second.dot': 'b' });
  });

  it('never lets two that keep different wrappings remove both', async () => {
    const other = await database.open();
    for (let round = 0; round < 5; round += 1) {
      const key = aKey({ sequence: 70 + round, wrapped: { first: 'a', second: 'b' } });
      await store.addKey(key);
      const removed = await Promise.all([
        store.removeWrappings(key.id, ['second'], { first: 'a' }),
        other.removeWrappings(key.id, ['first'], { second: 'b' }),
      ]);
      expect(removed.filter(Boolean)).toHaveLength(1);
      const found = (await store.listKeys()).find(({ id }) => id === key.id);
      expect(Object.keys(found?.wrapped ?? {})).toEqual([removed[0] ? 'first' : 'second']);
    }
  });

  it('revokes a signing key once, for one of many at once', async () => {
    const other = await database.open();
    const key = aKey({ sequence: 80 });
    await store.addKey(key);
    const revoked = await Promise.all(Array.from({ length: 8 }, (_, index) => (index % 2 ? store : other).revokeKey(key.id, t0 + index)));
    expect(revoked.filter(Boolean)).toHaveLength(1);
    const found = (await store.listKeys()).find(({ id }) => id === key.id);
    expect(found).toEqual({ ...key, revokedAt: t0 + revoked.indexOf(true) });
    const pepper = aKey({ purpose: 'pepper', sequence: 81 });
    await store.addKey(pepper);
    expect(await store.revokeKey(pepper.id, t0)).toBe(false);
    expect(await store.revokeKey('unknown', t0)).toBe(false);
    expect((await store.listKeys()).find(({ id }) => id === pepper.id)).toEqual(pepper);
  });

  it('answers a ping and tells its clock, if it has one', async () => {
    await store.ping();
    const clock = await store.readClock();
    if (database.kind === 'sqlite') expect(clock).toBeNull();
    else expect(Math.abs(Number(clock) - Date.now())).toBeLessThan(5_000);
  });

  it('settles the writes under way when it is closed, and refuses later calls', async () => {
    const closing = await database.open();
    const key = aKey({ purpose: 'pepper', sequence: 51 });
    const writing = closing.addKey(key);
    await Promise.all([closing.close(), closing.close()]);
    expect(await writing).toBe(true);
    await expect(closing.findAccount('a')).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(closing.addKey(aKey())).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(closing.ping()).rejects.toBeInstanceOf(StoreUnavailableError);
    expect((await store.listKeys()).some(({ id }) => id === key.id)).toBe(true);
  });
});
