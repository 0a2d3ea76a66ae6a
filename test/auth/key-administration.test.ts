import { beforeEach, describe, expect, it } from '@jest/globals';
import { KeyAdministration } from '../../src/auth/key-administration.js';
import { SealedKeyError, ServerKeys } from '../../src/auth/server-keys.js';
import { KeyWrapping } from '../../src/auth/wrapped-keys.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { aClock, anAudit, aSecret, FakeTime, memoryStore, openRing, storeWith } from '../support/factories.js';
import { minute, t0 } from '../support/records.js';

const lead = 10 * minute;
let store: Store;
let time: FakeTime;
beforeEach(async () => {
  store = await memoryStore();
  time = new FakeTime();
});

async function openNode(over: Store = store, secrets: readonly string[] = [aSecret()]) {
  const keys = await openRing({ store: over, time, secrets });
  const wrapping = new KeyWrapping(secrets);
  const config = { accessTokenTtlSeconds: 3_600 };
  const administration = new KeyAdministration({
    store: over,
    clock: aClock(time),
    wrapping,
    signingKeys: keys,
    audit: anAudit(over, time),
    config,
  });
  return { keys, administration };
}
const states = async (administration: KeyAdministration) => (await administration.list()).map(({ state }) => state);

describe('the list of keys', () => {
  it('tells each state and no material', async () => {
    const { administration } = await openNode();
    await new ServerKeys({ store, wrapping: new KeyWrapping([aSecret()]) }).loadOrCreate('pepper', t0);
    await administration.rotate();
    expect(await states(administration)).toEqual(['current', 'signing', 'next']);
    time.move(lead);
    expect(await states(administration)).toEqual(['current', 'verifying', 'signing']);
    time.move(3_600_000 + 2 * minute);
    expect(await states(administration)).toEqual(['current', 'retired', 'signing']);
    const [stored] = await store.listKeys();
    expect(JSON.stringify(await administration.list())).not.toContain(Object.values(stored?.wrapped ?? {})[0]);
  });
});

describe('a rotation by hand', () => {
  it('makes one key, published at once, that signs after the lead time', async () => {
    const { keys, administration } = await openNode();
    const before = keys.current().kid;
    const { key, made } = await administration.rotate();
    expect({ made, state: key.state, activatesAt: key.activatesAt }).toEqual({ made: true, state: 'next', activatesAt: t0 + lead });
    expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([before, key.kid]);
    expect(keys.current().kid).toBe(before);
    expect(await administration.rotate()).toEqual({ key, made: false });
    time.move(lead);
    expect(keys.current().kid).toBe(key.kid);
  });

  it('makes one where two nodes are told at once', async () => {
    const nodes = await Promise.all([openNode(), openNode()]);
    const results = await Promise.all(nodes.map(({ administration }) => administration.rotate()));
    expect(results.filter(({ made }) => made)).toHaveLength(1);
    expect(results[0]?.key.kid).toBe(results[1]?.key.kid);
  });
});

describe('a revocation', () => {
  it('of the key that signs makes a successor that signs at once', async () => {
    const [here, elsewhere] = [await openNode(), await openNode()];
    const kid = here.keys.current().kid;
    const { key, revoked, successor } = await here.administration.revoke(kid);
    expect({ revoked, state: key.state, at: key.revokedAt, next: successor?.state }).toEqual({
      revoked: true,
      state: 'revoked',
      at: t0,
      next: 'signing',
    });
    expect(here.keys.find(kid)).toBeNull();
    expect(here.keys.current().kid).toBe(successor?.kid);
    expect(here.keys.jwks().keys.map((jwk) => jwk.kid)).toEqual([successor?.kid]);
    // A running node learns of it by its next tending, or by a token of the successor.
    expect(elsewhere.keys.find(kid)).not.toBeNull();
    await elsewhere.keys.tend();
    expect(elsewhere.keys.find(kid)).toBeNull();
    expect(elsewhere.keys.current().kid).toBe(successor?.kid);
  });

  it('of another key makes none, and a repeat does nothing', async () => {
    const { keys, administration } = await openNode();
    const old = keys.current().kid;
    await administration.rotate();
    time.move(lead);
    expect(await administration.revoke(old)).toMatchObject({ revoked: true, successor: null });
    expect(await administration.revoke(old)).toMatchObject({ revoked: false, successor: null, key: { revokedAt: t0 + lead } });
    expect(await states(administration)).toEqual(['revoked', 'signing']);
  });

  it('of the key that is on its way leaves the one that signs', async () => {
    const { keys, administration } = await openNode();
    const kid = keys.current().kid;
    const { key } = await administration.rotate();
    expect(await administration.revoke(key.kid)).toMatchObject({ revoked: true, successor: null });
    time.move(lead);
    expect(keys.current().kid).toBe(kid);
  });

  it('of the key that signs while another is on its way does not wait for that one', async () => {
    const { keys, administration } = await openNode();
    const { key: next } = await administration.rotate();
    const { successor } = await administration.revoke(keys.current().kid);
    expect(successor).toMatchObject({ state: 'signing' });
    expect(successor?.kid).not.toBe(next.kid);
    time.move(lead);
    expect(keys.current().kid).toBe(successor?.kid);
  });

  it.each(['addKey', 'revokeKey'] as const)('that dies around %s is finished by a repeat', async (verb) => {
    const kid = (await openNode()).keys.current().kid;
    for (const isDone of [false, true]) {
      const dying = storeWith(store, {
        [verb]: async (...args: unknown[]) => {
          if (isDone) await (store[verb] as (...args: unknown[]) => Promise<boolean>)(...args);
          throw new StoreUnavailableError();
        },
      });
      const node = await openNode(dying);
      if (node.keys.current().kid === kid || verb === 'revokeKey') await expect(node.administration.revoke(kid)).rejects.toThrow();
      const running = await openNode();
      expect(running.keys.current().revokedAt).toBeNull();
    }
    const { keys, administration } = await openNode();
    await administration.revoke(kid);
    expect(keys.find(kid)).toBeNull();
    expect(await states(administration)).toEqual(['revoked', 'signing']);
  });

  it('of all keys by two nodes at once leaves one that signs', async () => {
    for (let round = 0; round < 5; round += 1) {
      const nodes = [await openNode(), await openNode()];
      await nodes[0]?.administration.rotate();
      time.move(lead);
      const kids = (await nodes[0]?.administration.list())?.filter(({ revokedAt }) => revokedAt === null).map(({ kid }) => kid) ?? [];
      await Promise.all(kids.map((kid, index) => nodes[index % 2]?.administration.revoke(kid)));
      const { keys } = await openNode();
      expect(kids).not.toContain(keys.current().kid);
    }
  });

  it('is refused for other keys and unknown ids', async () => {
    const { administration } = await openNode();
    const [pepper] = await new ServerKeys({ store, wrapping: new KeyWrapping([aSecret()]) }).loadOrCreate('pepper', t0);
    await expect(administration.revoke(String(pepper?.record.id))).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(administration.revoke('unknown')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('rewrapping', () => {
  const secretIds = async () => (await store.listKeys()).map(({ wrapped }) => Object.keys(wrapped).length);

  it('adds what is missing, removes what others open, and first only counts', async () => {
    await openNode(store, [aSecret('old')]);
    const { administration } = await openNode(store, [aSecret('new'), aSecret('old')]);
    expect(await secretIds()).toEqual([2]);
    expect(await administration.rewrap(true)).toEqual({ keys: 1, added: 0, removed: 0, contested: 0 });
    const last = await openNode(store, [aSecret('new')]);
    expect(await last.administration.rewrap(true)).toEqual({ keys: 1, added: 0, removed: 1, contested: 0 });
    expect(await secretIds()).toEqual([2]);
    expect(await last.administration.rewrap(false)).toEqual({ keys: 1, added: 0, removed: 1, contested: 0 });
    expect(await secretIds()).toEqual([1]);
    await expect(openNode(store, [aSecret('old')])).rejects.toBeInstanceOf(SealedKeyError);
    await openNode(store, [aSecret('new')]);
  });

  it('mends a damaged wrapping before it removes the one that still opens', async () => {
    await openNode(store, [aSecret('old')]);
    const node = await openNode(store, [aSecret('new'), aSecret('old')]);
    const [key] = await store.listKeys();
    const [damaged = ''] = new KeyWrapping([aSecret('new')])
      .foreign({ ...key, wrapped: {} } as never)
      .concat(Object.keys(new KeyWrapping([aSecret('new')]).wrap(key as never, Buffer.alloc(1))));
    await store.addWrapping(String(key?.id), damaged, 'damaged');
    expect(await node.administration.rewrap(false)).toMatchObject({ added: 1, removed: 0 });
    await openNode(store, [aSecret('new')]);
  });

  it('refuses, and changes nothing, when a key does not open', async () => {
    const { administration } = await openNode();
    const sealed = new KeyAdministration({
      store,
      clock: aClock(time),
      wrapping: new KeyWrapping([aSecret('wrong')]),
      signingKeys: await openRing({ store, time }),
      audit: anAudit(store, time),
      config: { accessTokenTtlSeconds: 60 },
    });
    await expect(sealed.rewrap(false)).rejects.toBeInstanceOf(SealedKeyError);
    expect(await administration.rewrap(true)).toMatchObject({ added: 0, removed: 0 });
  });

  it('by two that keep different secrets leaves every key open to one of them', async () => {
    await openNode(store, [aSecret('one'), aSecret('two')]);
    const nodes = [await openNode(store, [aSecret('one')]), await openNode(store, [aSecret('two')])];
    const results = await Promise.allSettled(nodes.map(({ administration }) => administration.rewrap(false)));
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await secretIds()).toEqual([1]);
    const opened = await Promise.allSettled([openNode(store, [aSecret('one')]), openNode(store, [aSecret('two')])]);
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
