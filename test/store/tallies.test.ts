import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { TallyRecord } from '../../src/store/records.js';
import { aSession, aTally, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const find = async (store: Store, key: string): Promise<TallyRecord | null> => (await store.findTallies([key]))[0] ?? null;

describeStores('A tally', (database) => {
  it('comes back as it was written, first and later', async () => {
    const store = await database.open();
    const first = aTally({ lastAt: null, count: 0 });
    expect(await store.replaceTally(first, null)).toBe(true);
    expect(await find(store, first.key)).toEqual(first);
    const full = aTally({
      key: first.key,
      count: 3,
      inFlight: [
        { id: randomUUID(), at: t0 + 1 },
        { id: '\0"$ne.', at: t0 + 2 },
      ],
      knownNetworks: [{ network: 'blinded', at: t0 + 3 }],
      purgeAt: t0 + 9 * minute,
    });
    expect(await store.replaceTally(full, first.stamp)).toBe(true);
    expect(await find(store, first.key)).toEqual(full);
    const emptied = aTally({ key: first.key });
    expect(await store.replaceTally(emptied, full.stamp)).toBe(true);
    expect(await find(store, first.key)).toEqual(emptied);
  });

  it('is written only over the one that was read', async () => {
    const store = await database.open();
    const tally = aTally();
    expect(await store.replaceTally(tally, 'a stamp of nothing')).toBe(false);
    expect(await find(store, tally.key)).toBeNull();
    await store.replaceTally(tally, null);
    for (const stamp of [null, 'another', '']) {
      expect(await store.replaceTally(aTally({ key: tally.key, count: 99 }), stamp)).toBe(false);
    }
    expect(await find(store, tally.key)).toEqual(tally);
  });

  it('is found among others, each once', async () => {
    const store = await database.open();
    const tallies = [aTally(), aTally(), aTally({ key: '\'$ne\\"\0' })];
    for (const tally of tallies) await store.replaceTally(tally, null);
    const [one, , odd] = tallies;
    const found = await store.findTallies([String(odd?.key), String(one?.key), String(one?.key), 'nothing']);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([one, odd]));
    expect(await store.findTallies([])).toEqual([]);
  });

  it.each([
    ['is made by one', true],
    ['is moved on by one', false],
  ])('%s of sixteen at once, through two stores', async (_, isNew) => {
    const stores = [await database.open(), await database.open()] as const;
    for (let round = 0; round < 5; round += 1) {
      const before = aTally();
      if (!isNew) await stores[0].replaceTally(before, null);
      const wanted = Array.from({ length: 16 }, (_, index) => aTally({ key: before.key, count: index }));
      const won = await Promise.all(
        wanted.map((tally, index) => stores[index % 2 ? 1 : 0].replaceTally(tally, isNew ? null : before.stamp)),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await find(stores[1], before.key)).toEqual(wanted[won.indexOf(true)]);
    }
  });

  it('goes when it is due, after sessions, up to the limit; one that was written again meanwhile stays', async () => {
    const store = await database.open();
    while ((await store.purge(t0 + minute, 100)) > 0);
    await store.createSession(aSession({ purgeAt: t0 }));
    const due = [0, 1, 2].map(() => aTally({ purgeAt: t0 + minute }));
    const kept = aTally({ purgeAt: t0 + minute + 1 });
    const renewed = aTally({ purgeAt: t0 });
    for (const tally of [...due, kept, renewed]) await store.replaceTally(tally, null);
    await store.replaceTally(aTally({ key: renewed.key, purgeAt: t0 + 2 * minute }), renewed.stamp);
    expect(await store.purge(t0 + minute, 3)).toBe(3);
    expect(await store.purge(t0 + minute, 3)).toBe(1);
    expect(await store.purge(t0 + minute, 3)).toBe(0);
    expect(await store.findTallies([...due, kept, renewed].map(({ key }) => key))).toHaveLength(2);
  });
});
