import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import bcrypt from 'bcrypt';
import { Passwords } from '../../src/auth/passwords.js';
import type { OpenedKey } from '../../src/auth/server-keys.js';
import { aKey } from '../support/records.js';

const aPepper = (id = randomBytes(4).toString('hex'), material = randomBytes(32)): OpenedKey => ({
  record: aKey({ id, purpose: 'pepper', algorithm: null }),
  material,
});
const config = { bcryptCost: 4, hashThreads: 2 };
const pepper = aPepper('0a0b0c0d');
const address = '192.0.2.1';

let passwords: Passwords;
beforeAll(async () => {
  passwords = await Passwords.open(config, [pepper]);
});

describe('a password', () => {
  it('fits its own hash and no other one does', async () => {
    const stored = await passwords.hash('correct horse', address);
    expect(await passwords.verify('correct horse', stored, address)).toBe(true);
    for (const other of ['correct hors', 'correct horse ', 'Correct horse', '', 'correct horse\0']) {
      expect({ other, fits: await passwords.verify(other, stored, address) }).toEqual({ other, fits: false });
    }
  });

  it('is stored with the id of its pepper and the cost, and differently each time', async () => {
    const [one, other] = [await passwords.hash('correct horse', null), await passwords.hash('correct horse', null)];
    expect(one).toMatch(/^lk1\$0a0b0c0d\$2b\$04\$[./A-Za-z0-9]{53}$/);
    expect(one).not.toBe(other);
  });

  it.each([72, 73, 100, 255])('counts beyond the 72 bytes of bcrypt: character %i matters', async (at) => {
    const long = 'x'.repeat(256);
    const stored = await passwords.hash(long, address);
    expect(await passwords.verify(long, stored, address)).toBe(true);
    expect(await passwords.verify(`${long.slice(0, at)}y${long.slice(at + 1)}`, stored, address)).toBe(false);
  });

  it('is not cut at a NUL', async () => {
    const stored = await passwords.hash('before\0after', address);
    expect(await passwords.verify('before\0other', stored, address)).toBe(false);
    expect(await passwords.verify('before\0after', stored, address)).toBe(true);
  });

  it.each([
    ['caf\u00e9 au lait', 'cafe\u0301 au lait'],
    ['\u212bngstr\u00f6m', '\u00c5ngstro\u0308m'],
    ['\uac00\uac01', '\u1100\u1161\u1100\u1161\u11a8'],
  ])('is the same however the keyboard composes it: %j and %j', async (composed, decomposed) => {
    expect(composed).not.toBe(decomposed);
    expect(await passwords.verify(decomposed, await passwords.hash(composed, address), address)).toBe(true);
    expect(await passwords.verify(composed, await passwords.hash(decomposed, address), address)).toBe(true);
  });

  it('is not the same by compatibility: a ligature is no two letters', async () => {
    expect(await passwords.verify('o\ufb03ce', await passwords.hash('office', address), address)).toBe(false);
  });
});

describe('the pepper', () => {
  it('is needed: the hash alone cannot be guessed at', async () => {
    const stored = await passwords.hash('correct horse', address);
    expect(await bcrypt.compare('correct horse', stored.slice('lk1$0a0b0c0d'.length))).toBe(false);
    const other = await Passwords.open(config, [aPepper('0a0b0c0d')]);
    expect(await other.verify('correct horse', stored, address)).toBe(false);
  });

  it('can be replaced: older hashes fit, and are outdated', async () => {
    const next = aPepper();
    const stored = await passwords.hash('correct horse', address);
    const rolled = await Passwords.open(config, [pepper, next]);
    expect(await rolled.verify('correct horse', stored, address)).toBe(true);
    expect(await rolled.verify('wrong horse', stored, address)).toBe(false);
    expect(rolled.isOutdated(stored)).toBe(true);
    const fresh = await rolled.hash('correct horse', address);
    expect(fresh).toContain(next.record.id);
    expect(rolled.isOutdated(fresh)).toBe(false);
  });

  it('of an unknown id fits nothing', async () => {
    const stored = await (await Passwords.open(config, [aPepper('ffffffff')])).hash('correct horse', address);
    expect(await passwords.verify('correct horse', stored, address)).toBe(false);
  });
});

describe('an outdated hash', () => {
  it.each([
    [4, 5],
    [5, 4],
  ])('is one of cost %i where %i is set', async (before, after) => {
    const stored = await (await Passwords.open({ ...config, bcryptCost: before }, [pepper])).hash('correct horse', address);
    const changed = await Passwords.open({ ...config, bcryptCost: after }, [pepper]);
    expect(changed.isOutdated(stored)).toBe(true);
    expect(await changed.verify('correct horse', stored, address)).toBe(true);
  });

  it('is one of an unknown form', () => {
    for (const stored of ['', 'lk1$', '$2b$04$abc', `lk2$0a0b0c0d$2b$04$${'a'.repeat(53)}`])
      expect(passwords.isOutdated(stored)).toBe(true);
  });
});

describe('a login without a password to compare with', () => {
  const compare = jest.spyOn(bcrypt, 'compare');
  beforeEach(() => void compare.mockClear());
  afterAll(() => compare.mockRestore());
  const hashCompared = (): string => String(compare.mock.calls[0]?.[1]);

  it.each([
    ['there is no account', null],
    ['the account has an empty hash', ''],
    ['the hash is of an unknown form', 'lk1$0a0b0c0d$2b$04$tooshort'],
    ['the pepper is unknown', `lk1$ffffffff$2b$04$${'a'.repeat(53)}`],
  ])('costs one comparison with a real hash of the same cost where %s (P13)', async (_why, stored) => {
    expect(await passwords.verify('correct horse', stored, address)).toBe(false);
    expect(compare).toHaveBeenCalledTimes(1);
    expect(bcrypt.getRounds(hashCompared())).toBe(config.bcryptCost);
    expect(hashCompared()).toMatch(/^\$2b\$04\$[./A-Za-z0-9]{53}$/);
  });

  it('is compared like a known one: the same number of bytes, once', async () => {
    await passwords.verify('correct horse', await passwords.hash('another', address), address);
    await passwords.verify('correct horse', null, address);
    const inputs = compare.mock.calls.map(([input]) => String(input));
    expect(inputs).toHaveLength(2);
    expect(inputs[0]).toBe(inputs[1]);
    expect(inputs[0]).toHaveLength(64);
  });

  it('is false though the comparison fits', async () => {
    compare.mockImplementationOnce(() => Promise.resolve(true) as never);
    expect(await passwords.verify('correct horse', null, address)).toBe(false);
  });

  it('has a decoy of its own at every start', async () => {
    await passwords.verify('correct horse', null, address);
    await (await Passwords.open(config, [pepper])).verify('correct horse', null, address);
    const [one, other] = compare.mock.calls.map(([, hash]) => hash);
    expect(one).not.toBe(other);
  });

  it('of a hash from before the cost was raised takes as much work as the decoy: one hash for each step of cost (P13)', async () => {
    const old = await passwords.hash('correct horse', address);
    const raised = await Passwords.open({ ...config, bcryptCost: 7 }, [pepper]);
    const hash = jest.spyOn(bcrypt, 'hash');
    expect(await raised.verify('wrong horse', old, address)).toBe(false);
    expect(hash.mock.calls.map(([, rounds]) => rounds)).toEqual([4, 5, 6]);
    hash.mockClear();
    expect(await raised.verify('wrong horse', null, address)).toBe(false);
    expect(await raised.verify('correct horse', old, address)).toBe(true);
    expect(hash).not.toHaveBeenCalled();
    hash.mockRestore();
  });

  it('is what a password longer than any can be gets, and no time is spent on composing it', async () => {
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(await passwords.verify('a\u0301\u0316'.repeat(30_000), await passwords.hash('correct horse', address), address)).toBe(false);
    expect(Math.max(...normalize.mock.contexts.map((text) => String(text).length))).toBeLessThanOrEqual(4_096);
    expect(bcrypt.getRounds(hashCompared())).toBe(config.bcryptCost);
    normalize.mockRestore();
  });
});
