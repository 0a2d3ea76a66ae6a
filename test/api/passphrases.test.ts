import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { codeOf, loginMutation, post, signupMutation } from '../support/requests.js';
import { startServer } from '../support/server.js';

/** `PASSPHRASES=10000 npm test -- test/api/passphrases` for the large count. */
const passphrases = Number(process.env.PASSPHRASES ?? 300);
const atOnce = 8;

describe('Passwords are verified as a whole', () => {
  let url: string;
  beforeAll(async () => {
    ({ url } = await startServer('sqlite::memory:'));
  });
  let people = 0;
  async function signUp(password: string): Promise<string> {
    people += 1;
    const email = `phrase${people}@example.com`;
    expect((await post(url, signupMutation, { input: { email, password } })).errors).toEqual([]);
    return email;
  }
  const logIn = (login: string, password: string) => post(url, loginMutation, { input: { login, password } });

  it.each([
    ['72 bytes alike, and another 73rd', 'k7Qz'.repeat(18), 'a', 'b'],
    ['72 bytes alike, and one that ends there', 'k7Qz'.repeat(18), 'a', ''],
    ['64 code points alike, and another 65th', '\u{1f600}\u{1f980}'.repeat(32), '\u{1f355}', '\u{1f697}'],
    ['all but the last of 256 code points alike', 'k7Qz'.repeat(63).concat('abc'), 'd', 'e'],
    ['a NUL between them', 'k7Qz2mXw', '\0a', '\0b'],
  ])('twins do not open each other’s account: %s', async (_, common, one, other) => {
    const [first, second] = [await signUp(common + one), await signUp(common + other)];
    expect(codeOf(await logIn(first, common + other))).toBe('INVALID_CREDENTIALS');
    expect(codeOf(await logIn(second, common + one))).toBe('INVALID_CREDENTIALS');
    expect((await logIn(first, common + one)).errors).toEqual([]);
    expect((await logIn(second, common + other)).errors).toEqual([]);
  });

  it(`${passphrases} random Unicode passphrases sign up and in again, written composed or not`, async () => {
    const phrase = fc.string({ unit: 'grapheme', minLength: 12, maxLength: 40 }).filter((text) => {
      const length = [...text.normalize('NFC')].length;
      return length >= 8 && length <= 256;
    });
    const all = fc.sample(phrase, passphrases);
    for (let start = 0; start < all.length; start += atOnce) {
      await Promise.all(
        all.slice(start, start + atOnce).map(async (password) => {
          const email = await signUp(password.normalize('NFC'));
          expect((await logIn(email, password.normalize('NFD'))).errors).toEqual([]);
        }),
      );
    }
  }, 600_000);
});
