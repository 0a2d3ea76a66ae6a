import { describe, expect, it } from '@jest/globals';
import { SealedKeyError, ServerKeys } from '../../src/auth/server-keys.js';
import { KeyWrapping } from '../../src/auth/wrapped-keys.js';
import type { Store } from '../../src/store/port.js';
import type { KeyRecord } from '../../src/store/records.js';
import { aSecret, memoryStore, openRing, storeWith } from '../support/factories.js';
import { t0 } from '../support/records.js';

const serverKeys = (store: Store, secrets: readonly string[]): ServerKeys => new ServerKeys({ store, wrapping: new KeyWrapping(secrets) });
const materials = async (store: Store, secrets: readonly string[]): Promise<string[]> => {
  const keys = serverKeys(store, secrets);
  const opened = [...(await keys.loadOrCreate('refresh-mac', t0)), ...(await keys.loadOrCreate('pepper', t0))];
  return opened.map(({ material }) => material.toString('hex'));
};
const [a, b, c] = [aSecret('A'), aSecret('B'), aSecret('C')];

describe("the server's own keys", () => {
  it('are made once, 256 random bits each, and are the same at every start', async () => {
    const store = await memoryStore();
    const first = await materials(store, [a]);
    expect(first).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(new Set(first).size).toBe(2);
    expect(await materials(store, [a])).toEqual(first);
    expect(await materials(await memoryStore(), [a])).not.toEqual(first);
  });

  it('are made once by many nodes that start at once', async () => {
    const store = await memoryStore();
    const nodes = await Promise.all(Array.from({ length: 8 }, () => materials(store, [a])));
    expect(new Set(nodes.map((node) => node.join())).size).toBe(1);
    expect(await store.listKeys()).toHaveLength(2);
  });

  it('are never in the store but wrapped', async () => {
    const store = await memoryStore();
    const secretBytes = (await materials(store, [a, b])).map((hex) => Buffer.from(hex, 'hex'));
    const rows = await store.listKeys();
    for (const algorithm of ['ES256', 'RS256', 'HS256'] as const) {
      const ringStore = await memoryStore();
      const { signingKey } = (await openRing({ store: ringStore, algorithm, secrets: [a, b] })).current();
      rows.push(...(await ringStore.listKeys()));
      const jwk = signingKey.export({ format: 'jwk' });
      secretBytes.push(Buffer.from(String(jwk.d ?? jwk.k), 'base64url'));
    }
    const text = JSON.stringify(rows);
    const ciphertexts = rows.flatMap(({ wrapped }) => Object.values(wrapped)).map((wrapped) => Buffer.from(wrapped, 'base64url'));
    expect(ciphertexts.length).toBeGreaterThanOrEqual(2 * 5);
    for (const bytes of [...secretBytes, Buffer.from(a), Buffer.from(b)]) {
      for (const encoding of ['hex', 'base64', 'base64url', 'utf8'] as const) expect(text).not.toContain(bytes.toString(encoding));
      expect(ciphertexts.filter((ciphertext) => ciphertext.includes(bytes))).toEqual([]);
    }
  });

  it('are never wrapped twice alike', () => {
    const wrapping = new KeyWrapping([a]);
    const key = { id: '0a0b0c0d', purpose: 'pepper', algorithm: null } as const;
    const ciphertexts = Array.from({ length: 100 }, () => Object.values(wrapping.wrap(key, Buffer.alloc(32)))[0]);
    expect(new Set(ciphertexts).size).toBe(100);
  });
});

describe('a new secret', () => {
  it('is rolled out without losing a key: accepted first, then promoted, then alone', async () => {
    const store = await memoryStore();
    const first = await materials(store, [a]);
    const signing = (await openRing({ store, secrets: [a] })).current().kid;
    for (const secrets of [[a, b], [b, a], [b]]) {
      expect(await materials(store, secrets)).toEqual(first);
      expect((await openRing({ store, secrets })).current().kid).toBe(signing);
    }
  });

  it('serves alone after one start with the old one as previous', async () => {
    const store = await memoryStore();
    const first = await materials(store, [a]);
    await materials(store, [b, a]);
    expect(await materials(store, [b])).toEqual(first);
    expect(await materials(store, [a])).toEqual(first);
  });

  it('leaves the keys wrapped under each secret once, however often the server starts', async () => {
    const store = await memoryStore();
    for (let start = 0; start < 3; start += 1) await materials(store, [b, a]);
    for (const { wrapped } of await store.listKeys()) expect(Object.keys(wrapped)).toHaveLength(2);
  });

  it('is refused where the old one is not named', async () => {
    const store = await memoryStore();
    await materials(store, [a]);
    await openRing({ store, secrets: [a] });
    await expect(materials(store, [b])).rejects.toThrow(SealedKeyError);
    await expect(openRing({ store, secrets: [b, c] })).rejects.toThrow(SealedKeyError);
  });

  it('is refused with words that name the settings and no secret', async () => {
    const { message } = new SealedKeyError();
    expect(message).toContain('LATCHKEY_SECRET');
    expect(message).toContain('LATCHKEY_PREVIOUS_SECRETS');
  });
});

describe('a key that somebody changed in the store', () => {
  /** Starts on a store whose rows come back changed. */
  async function startOn(change: (rows: KeyRecord[]) => KeyRecord[]): Promise<unknown> {
    const store = await memoryStore();
    await materials(store, [a]);
    await openRing({ store, secrets: [a] });
    const changed = storeWith(store, { listKeys: async () => change(await store.listKeys()) });
    await materials(changed, [a]);
    return openRing({ store: changed, secrets: [a] });
  }
  const rewrap = (row: KeyRecord, change: (bytes: Buffer) => Buffer): KeyRecord => ({
    ...row,
    wrapped: Object.fromEntries(
      Object.entries(row.wrapped).map(([id, text]) => [id, change(Buffer.from(text, 'base64url')).toString('base64url')]),
    ),
  });

  it('is no obstacle when nothing was changed', async () => {
    await expect(startOn((rows) => rows)).resolves.toBeDefined();
  });

  it.each([
    ['the initialization vector', 0],
    ['the ciphertext', 12],
    ['the tag', -1],
  ])('is refused when a bit of %s is flipped', async (_what, index) => {
    const flip = (bytes: Buffer) => bytes.map((byte, at) => (at === (index + bytes.length) % bytes.length ? byte ^ 1 : byte)) as Buffer;
    await expect(startOn((rows) => rows.map((row) => rewrap(row, (bytes) => Buffer.from(flip(bytes)))))).rejects.toThrow(SealedKeyError);
  });

  it('is refused when its tag is shortened, or it is empty', async () => {
    for (const keep of [-1, 12, 28, 0]) {
      await expect(startOn((rows) => rows.map((row) => rewrap(row, (bytes) => bytes.subarray(0, keep))))).rejects.toThrow(SealedKeyError);
    }
  });

  it('is refused when two keys were swapped', async () => {
    const swap = (rows: KeyRecord[]): KeyRecord[] => {
      const wrappedOf = (purpose: string) => rows.find((row) => row.purpose === purpose)?.wrapped ?? {};
      const other: Record<string, string> = { pepper: 'refresh-mac', 'refresh-mac': 'pepper', signing: 'signing' };
      return rows.map((row) => ({ ...row, wrapped: wrappedOf(other[row.purpose] ?? '') }));
    };
    await expect(startOn(swap)).rejects.toThrow(SealedKeyError);
  });

  it('is refused under another id, purpose or algorithm', async () => {
    const changes: ((row: KeyRecord) => KeyRecord)[] = [
      (row) => ({ ...row, id: `${row.id.slice(0, -1)}${row.id.endsWith('0') ? '1' : '0'}` }),
      (row) => (row.purpose === 'pepper' ? { ...row, purpose: 'refresh-mac' } : row),
      (row) => (row.purpose === 'signing' ? { ...row, algorithm: 'HS256' } : row),
    ];
    for (const change of changes) await expect(startOn((rows) => rows.map(change))).rejects.toThrow(SealedKeyError);
  });
});
