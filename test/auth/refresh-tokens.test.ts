import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RefreshTokens } from '../../src/auth/refresh-tokens.js';
import type { OpenedKey } from '../../src/auth/server-keys.js';
import { withStrayBit } from '../support/forging.js';
import { aKey } from '../support/records.js';

const aMacKey = (overrides: { readonly id?: string; readonly sequence?: number; readonly material?: Buffer } = {}): OpenedKey => {
  const { id = randomBytes(4).toString('hex'), sequence = 1, material = randomBytes(32) } = overrides;
  return { record: aKey({ id, purpose: 'refresh-mac', sequence, algorithm: null }), material };
};
const key = aMacKey();
const tokens = new RefreshTokens([key]);
const content = { sessionId: randomUUID(), generation: 7 };
const token = tokens.mint(content);
const encoded = token.slice('lk_rt_'.length);

describe('a refresh token', () => {
  it('says what it was made of', () => {
    const generations = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
    fc.assert(
      fc.property(fc.uuid(), generations, (sessionId, generation) => {
        expect(tokens.read(tokens.mint({ sessionId, generation }))).toEqual({ sessionId, generation });
      }),
    );
  });

  it('is computed: every node makes the same one, also after a restart', () => {
    expect(new RefreshTokens([key]).mint(content)).toBe(token);
    expect(tokens.mint({ ...content, generation: 8 })).not.toBe(token);
  });

  it('has a prefix for secret scanners and one length', () => {
    expect(token).toMatch(/^lk_rt_[A-Za-z0-9_-]{75}$/);
    expect(tokens.mint({ sessionId: randomUUID(), generation: 2 ** 32 - 1 })).toHaveLength(token.length);
  });

  it('holds an HMAC-SHA-256 over session, generation and key id', () => {
    const bytes = Buffer.from(encoded, 'base64url');
    const body = bytes.subarray(0, 24);
    expect(body.toString('hex')).toBe(`${content.sessionId.replaceAll('-', '')}00000007${key.record.id}`);
    const mac = createHmac('sha256', key.material).update('latchkey refresh token v1\0').update(body).digest();
    expect(bytes.subarray(24)).toEqual(mac);
  });

  it.each([-1, 2 ** 32])('is not made for the generation %d, which has no place in it', (generation) => {
    expect(() => tokens.mint({ ...content, generation })).toThrow(/out of range/);
  });
});

describe('a text that is no refresh token of this server', () => {
  it('is one with any one bit flipped', () => {
    const bytes = Buffer.from(encoded, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
        expect(tokens.read(`lk_rt_${flipped.toString('base64url')}`)).toBeNull();
      }
    }
  });

  it('is one with any character replaced, taken out or doubled', () => {
    for (let index = 0; index < token.length; index += 1) {
      const [before, at, after] = [token.slice(0, index), token.charAt(index), token.slice(index + 1)];
      for (const other of [at === 'A' ? 'B' : 'A', '', at + at, '=', ' ', '+', '\u00e9'])
        expect(tokens.read(before + other + after)).toBeNull();
    }
  });

  it('is another spelling of the same bytes', () => {
    expect(Buffer.from(withStrayBit(encoded), 'base64url')).toEqual(Buffer.from(encoded, 'base64url'));
    for (const spelling of [`lk_rt_${withStrayBit(encoded)}`, `${token}=`, `${token}\n`, ` ${token}`, `LK_RT_${encoded}`, encoded]) {
      expect(tokens.read(spelling)).toBeNull();
    }
    const slashed =
      Array.from({ length: 1_000 }, (_, generation) => tokens.mint({ ...content, generation })).find((text) =>
        /[-_]/.test(text.slice(6)),
      ) ?? '';
    const other = `lk_rt_${slashed.slice(6).replaceAll('-', '+').replaceAll('_', '/')}`;
    expect(other).not.toBe(slashed);
    expect(tokens.read(other)).toBeNull();
  });

  it('is one of another server, also where the key ids are equal', () => {
    expect(new RefreshTokens([aMacKey()]).read(token)).toBeNull();
    expect(new RefreshTokens([aMacKey({ id: key.record.id })]).read(token)).toBeNull();
  });

  it('is one whose MAC was made for another use of the key', () => {
    const body = Buffer.from(encoded, 'base64url').subarray(0, 24);
    const mac = createHmac('sha256', key.material).update(body).digest();
    expect(tokens.read(`lk_rt_${Buffer.concat([body, mac]).toString('base64url')}`)).toBeNull();
  });

  it.each([
    '',
    'lk_rt_',
    'lk_rt_=',
    `lk_rt_${'A'.repeat(75)}`,
    `lk_rt_${'A'.repeat(10_000)}`,
    'eyJhbGciOiJub25lIn0.e30.',
    '\0',
    '__proto__',
  ])('is %j', (text) => {
    expect(tokens.read(text)).toBeNull();
  });

  it('is whatever comes to mind', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => expect(tokens.read(text)).toBeNull()));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 56, maxLength: 56 }), (bytes) =>
        expect(tokens.read(`lk_rt_${Buffer.from(bytes).toString('base64url')}`)).toBeNull(),
      ),
    );
  });
});

describe('a new key', () => {
  const next = aMacKey({ sequence: 2 });
  const rolled = new RefreshTokens([key, next]);

  it('makes the new tokens, and the old key still reads its own', () => {
    expect(rolled.mint(content)).not.toBe(token);
    expect(rolled.mint(content)).toBe(new RefreshTokens([next]).mint(content));
    expect(rolled.read(token)).toEqual(content);
    expect(rolled.read(rolled.mint(content))).toEqual(content);
  });

  it('is not taken for the old one: a key id under another key is refused', () => {
    const bytes = Buffer.from(encoded, 'base64url');
    bytes.write(next.record.id, 20, 'hex');
    expect(rolled.read(`lk_rt_${bytes.toString('base64url')}`)).toBeNull();
  });
});
