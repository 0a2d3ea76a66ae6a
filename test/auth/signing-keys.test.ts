import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { importSigningKey } from '../../src/auth/signing-key.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { FakeTime, memoryStore, openIssuing, openRing, RecordingLog, storeWith, tokenConfig } from '../support/factories.js';
import { aKey, anAccount, aSession, day, minute, t0 } from '../support/records.js';

const rotation = 30 * day;
const lead = 10 * minute;
const ttlMs = tokenConfig.accessTokenTtlSeconds * 1_000;
const algorithms = ['ES256', 'RS256', 'HS256'] as const;

const kids = (ring: Awaited<ReturnType<typeof openRing>>): string[] => ring.jwks().keys.map(({ kid }) => kid);
const signingRows = async (store: Store) => (await store.listKeys()).filter(({ purpose }) => purpose === 'signing');

describe('the first key', () => {
  it.each(algorithms)('signs with %s at once', async (algorithm) => {
    const ring = await openRing({ algorithm });
    expect(ring.current()).toMatchObject({ algorithm, sequence: 1, activatesAt: t0, revokedAt: null });
  });

  it('is the same for two nodes that start at once on an empty store', async () => {
    const store = await memoryStore();
    const nodes = await Promise.all(Array.from({ length: 4 }, () => openRing({ store })));
    expect(new Set(nodes.map((node) => node.current().kid)).size).toBe(1);
    expect(await signingRows(store)).toHaveLength(1);
  });

  it('is still there for the next start', async () => {
    const store = await memoryStore();
    const before = await openRing({ store });
    const after = await openRing({ store });
    expect(after.current().kid).toBe(before.current().kid);
  });
});

describe('rotation by schedule', () => {
  const tendAt = async (ring: Awaited<ReturnType<typeof openRing>>, time: FakeTime, instant: number) => {
    time.set(instant);
    await ring.tend();
  };

  it('publishes the successor 10 minutes before it signs, to the millisecond', async () => {
    const time = new FakeTime();
    const ring = await openRing({ time });
    const first = ring.current().kid;
    await tendAt(ring, time, t0 + rotation - lead - 1);
    expect(kids(ring)).toEqual([first]);
    await tendAt(ring, time, t0 + rotation - lead);
    expect(kids(ring)).toEqual([first, expect.any(String)]);
    time.set(t0 + rotation - 1);
    expect(ring.current().kid).toBe(first);
    time.set(t0 + rotation);
    expect(ring.current()).toMatchObject({ kid: kids(ring)[1], sequence: 2 });
  });

  it('makes one successor however often the keys are tended', async () => {
    const time = new FakeTime();
    const store = await memoryStore();
    const ring = await openRing({ time, store });
    for (let after = -lead; after <= lead; after += minute) await tendAt(ring, time, t0 + rotation + after);
    expect(await signingRows(store)).toHaveLength(2);
  });

  it('makes one successor when two nodes tend at once', async () => {
    const time = new FakeTime();
    const store = await memoryStore();
    const nodes = [await openRing({ time, store }), await openRing({ time, store })];
    time.set(t0 + rotation - lead);
    await Promise.all(nodes.map((node) => node.tend()));
    time.move(lead);
    expect(await signingRows(store)).toHaveLength(2);
    expect(nodes[0]?.current().kid).toBe(nodes[1]?.current().kid);
  });

  it('lets the predecessor verify until its last token is dead, and then takes it from the published set', async () => {
    const time = new FakeTime();
    const { tokens, keys } = await openIssuing('ES256', { time });
    const first = keys.current().kid;
    await tendAt(keys, time, t0 + rotation - lead);
    time.set(t0 + rotation - 1_000);
    const { token, expiresAt } = tokens.issue(anAccount(), aSession({ idleExpiresAt: t0 + 90 * day }));
    expect(expiresAt).toBe(t0 + rotation - 1_000 + ttlMs);
    time.set(expiresAt + 30_000 - 1);
    expect(await tokens.verify(token)).toMatchObject({ kind: 'valid' });
    time.set(t0 + rotation + ttlMs + 120_000 - 1);
    expect(kids(keys)).toContain(first);
    expect(keys.find(first)).not.toBeNull();
    time.move(1);
    expect(kids(keys)).toEqual([keys.current().kid]);
    expect(keys.find(first)).toBeNull();
  });

  it('refuses nobody while keys follow one another (P11)', async () => {
    const time = new FakeTime();
    const store = await memoryStore();
    const nodes = [await openIssuing('ES256', { time, store }), await openIssuing('ES256', { time, store })];
    const issued: { readonly token: string; readonly expiresAt: number }[] = [];
    const refused: number[] = [];
    const [signing, tending] = nodes;
    for (let round = 0; round < 40; round += 1) {
      time.set(t0 + rotation - lead - 10 * minute + round * 3 * minute);
      // The nodes take turns in tending: one of them always knows less than the other.
      await (round % 2 === 0 ? signing : tending)?.keys.tend();
      for (const node of nodes) issued.push(node.tokens.issue(anAccount(), aSession({ idleExpiresAt: t0 + 90 * day })));
      for (const { token, expiresAt } of issued.filter(({ expiresAt }) => expiresAt > time.wall())) {
        for (const node of nodes) if ((await node.tokens.verify(token)).kind !== 'valid') refused.push(expiresAt);
      }
    }
    expect(refused).toEqual([]);
    expect(await signingRows(store)).toHaveLength(2);
  });

  it('does not happen when it is off', async () => {
    const time = new FakeTime();
    const store = await memoryStore();
    const ring = await openRing({ time, store, keyRotationSeconds: 0 });
    await tendAt(ring, time, t0 + 3_650 * day);
    expect(await signingRows(store)).toHaveLength(1);
    expect(ring.current().sequence).toBe(1);
  });

  it('is written to the log without the key', async () => {
    const log = new RecordingLog();
    const ring = await openRing({ log, algorithm: 'HS256' });
    expect(log.lines).toEqual([
      { level: 'info', details: expect.objectContaining({ kid: ring.current().kid, sequence: 1 }), message: expect.any(String) },
    ]);
    const material = ring.current().signingKey.export();
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(JSON.stringify(log.lines)).not.toContain(material.toString(encoding));
  });
});

describe('another algorithm', () => {
  it.each([
    ['ES256', 'RS256', 2],
    ['RS256', 'ES256', 2],
    ['HS256', 'ES256', 1],
    ['ES256', 'HS256', 1],
  ] as const)('rolls over from %s to %s with the same lead', async (before, after, published) => {
    const time = new FakeTime();
    const store = await memoryStore();
    const old = await openIssuing(before, { time, store });
    const { token } = old.tokens.issue(anAccount(), aSession());
    const changed = await openIssuing(after, { time, store });
    expect(changed.keys.current().algorithm).toBe(before);
    expect(changed.keys.jwks().keys).toHaveLength(published);
    time.set(t0 + lead - 1);
    expect(changed.keys.current().algorithm).toBe(before);
    time.move(1);
    expect(changed.keys.current().algorithm).toBe(after);
    expect(await changed.tokens.verify(token)).toMatchObject({ kind: 'valid' });
    await changed.keys.tend();
    expect(await signingRows(store)).toHaveLength(2);
  });
});

describe('the published keys', () => {
  it.each([
    ['ES256', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
    ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
  ] as const)('have for %s the members %j and no private one', async (algorithm, members) => {
    const [jwk] = (await openRing({ algorithm })).jwks().keys;
    expect(Object.keys(jwk ?? {}).sort()).toEqual(members);
    expect(jwk).toMatchObject({ alg: algorithm, use: 'sig' });
  });

  it('are none for HS256', async () => {
    expect((await openRing({ algorithm: 'HS256' })).jwks()).toEqual({ keys: [] });
  });

  it.each(['ES256', 'RS256'] as const)('have for %s the thumbprint that jose computes (RFC 7638) as kid', async (algorithm) => {
    const [jwk] = (await openRing({ algorithm })).jwks().keys;
    expect(jwk?.kid).toBe(await calculateJwkThumbprint({ ...jwk } as Parameters<typeof calculateJwkThumbprint>[0]));
  });

  it('tell of an HS256 key nothing: its kid is random', async () => {
    const [one, other] = [await openRing({ algorithm: 'HS256' }), await openRing({ algorithm: 'HS256' })];
    expect(one.current().kid).not.toBe(other.current().kid);
    const thumbprint = await calculateJwkThumbprint({ kty: 'oct', k: one.current().signingKey.export().toString('base64url') });
    expect(one.current().kid).not.toBe(thumbprint);
  });
});

describe('a kid that this node does not know', () => {
  afterEach(() => void jest.restoreAllMocks());

  /** A node, another that makes the next key, the number of times the first one asks the store, and a clock for its pause. */
  async function twoNodes() {
    const pause = jest.spyOn(performance, 'now').mockReturnValue(1_000_000);
    const time = new FakeTime();
    const store = await memoryStore();
    let isDown = false;
    let loads = 0;
    const watched = storeWith(store, {
      listKeys: async () => {
        loads += 1;
        if (isDown) throw new StoreUnavailableError();
        return store.listKeys();
      },
    });
    const node = await openRing({ time, store: watched });
    const other = await openRing({ time, store });
    time.set(t0 + rotation - lead);
    await other.tend();
    const [, next = ''] = kids(other);
    loads = 0;
    return {
      node,
      next,
      loads: () => loads,
      later: (ms: number) => pause.mockReturnValue(1_000_000 + ms),
      goDown: (down: boolean) => (isDown = down),
    };
  }

  it('asks the store at most once in 5 s, however many there are', async () => {
    const { node, loads, later } = await twoNodes();
    const flood = () => Promise.all(Array.from({ length: 100 }, (_, index) => node.findOrReload(`unknown ${index}`)));
    later(4_999);
    await flood();
    expect(loads()).toBe(0);
    later(5_000);
    expect(new Set(await flood())).toEqual(new Set([null]));
    expect(loads()).toBe(1);
    later(9_999);
    await flood();
    expect(loads()).toBe(1);
    later(10_000);
    await flood();
    expect(loads()).toBe(2);
  });

  it('is learned from the store when another node made the key', async () => {
    const { node, next, later } = await twoNodes();
    expect(node.find(next)).toBeNull();
    later(5_000);
    expect(await node.findOrReload(next)).toMatchObject({ kid: next, sequence: 2 });
    expect(node.find(next)).toMatchObject({ kid: next });
  });

  it('is found by all that ask while the store is being asked', async () => {
    const { node, next, later, loads } = await twoNodes();
    later(5_000);
    const found = await Promise.all(Array.from({ length: 3 }, () => node.findOrReload(next)));
    expect(found.map((key) => key?.kid)).toEqual([next, next, next]);
    expect(loads()).toBe(1);
  });

  it('is never called unknown because the store was down: that cannot be known then (P8)', async () => {
    const { node, next, later, goDown } = await twoNodes();
    later(5_000);
    goDown(true);
    await expect(node.findOrReload(next)).rejects.toThrow(StoreUnavailableError);
    await expect(node.findOrReload(next)).rejects.toThrow(StoreUnavailableError);
    goDown(false);
    later(10_000);
    expect(await node.findOrReload(next)).toMatchObject({ kid: next });
  });

  it('is no reason to ask for a known one', async () => {
    const { node, loads, later } = await twoNodes();
    later(60_000);
    expect(await node.findOrReload(node.current().kid)).toBe(node.current());
    expect(loads()).toBe(0);
  });
});

describe('a key that is too weak or of another kind', () => {
  const pkcs8 = { type: 'pkcs8', format: 'der' } as const;
  const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export(pkcs8);
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey.export(pkcs8);

  it.each<[string, string | null, () => Buffer]>([
    ['an HMAC key of 31 bytes', 'HS256', () => Buffer.alloc(31, 1)],
    ['an RSA key of 1024 bits', 'RS256', () => rsa(1_024)],
    ['an elliptic key for RS256', 'RS256', () => ec('P-256')],
    ['an RSA key for ES256', 'ES256', () => rsa(2_048)],
    ['a P-384 key for ES256', 'ES256', () => ec('P-384')],
    ['a secp256k1 key for ES256', 'ES256', () => ec('secp256k1')],
    ['garbage', 'ES256', () => Buffer.alloc(100)],
    ['an algorithm that this version does not know', 'EdDSA', () => ec('P-256')],
    ['no algorithm', null, () => ec('P-256')],
  ])('is refused: %s', (_what, algorithm, material) => {
    expect(() => importSigningKey(aKey({ algorithm }), material())).toThrow();
  });

  it('is not one of exactly the least size', () => {
    expect(importSigningKey(aKey({ algorithm: 'HS256' }), Buffer.alloc(32, 1)).algorithm).toBe('HS256');
    expect(importSigningKey(aKey({ algorithm: 'RS256' }), rsa(2_048)).algorithm).toBe('RS256');
  });
});

describe('loads of the ring that overtake each other', () => {
  it('do not bring back a key that the later one has seen revoked', async () => {
    const store = await memoryStore();
    let hold: Promise<void> | null = null;
    const held = storeWith(store, {
      listKeys: async () => {
        const keys = await store.listKeys();
        await hold;
        return keys;
      },
    });
    const ring = await openRing({ store: held });
    const { kid } = ring.current();
    let release = (): void => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const early = ring.refresh();
    await new Promise(setImmediate);
    hold = null;
    await store.revokeKey(kid, t0);
    await ring.refresh();
    expect(ring.find(kid)).toBeNull();
    release();
    await early;
    expect(ring.find(kid)).toBeNull();
  });
});
