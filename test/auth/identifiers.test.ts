import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isId, isUsername, normalizeEmail } from '../../src/auth/identifiers.js';

describe('an email address', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['  Ada@Example.COM\n', 'ada@example.com'],
    ['ada+tag@mail.example.com', 'ada+tag@mail.example.com'],
    ["o'hara@example.com", "o'hara@example.com"],
    ['Zoe\u0301@example.com', 'zo\u00e9@example.com'],
    ['ZO\u00c9@example.com', 'zo\u00e9@example.com'],
    ['\u212a@example.com', 'k@example.com'],
  ])('%j becomes %j', (input, expected) => {
    expect(normalizeEmail(input)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'ada',
    'ada@',
    '@example.com',
    'ada@example',
    'ada@@example.com',
    'a da@example.com',
    'ada@exam ple.com',
    'ada@example.com, eve@example.com',
    'ada@example.com\0',
    'ada@example.com\r\nBcc: eve@example.com',
    'Ada <ada@example.com>',
    'ada@[192.0.2.1]',
    'ada@-example.com',
    'ada@example..com',
    '.ada@example.com',
    'ada.@example.com',
    'ad..a@example.com',
    'ada@example.com.',
    '\ud800@example.com',
    'ada@\udc00example.com',
    '\ud800',
    '{"$ne":null}',
    `${'a'.repeat(65)}@example.com`,
  ])('is not %j', (input) => {
    expect(normalizeEmail(input)).toBeNull();
  });

  it('has at most 254 characters', () => {
    const labels = (last: number) => `a@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(last)}.com`;
    expect(labels(56)).toHaveLength(254);
    expect(normalizeEmail(labels(56))).toBe(labels(56));
    expect(normalizeEmail(labels(57))).toBeNull();
    expect(normalizeEmail(`${' '.repeat(1_100)}ada@example.com`)).toBeNull();
  });

  // A capital J with a caron has no composed form, the small letter has one: lower case undoes the composition.
  it.each([
    ['J\u030c@example.com', '\u01f0@example.com'],
    ['H\u0331@example.com', '\u1e96@example.com'],
    ['W\u030a@example.com', '\u1e98@example.com'],
  ])('is one address, so one account, in whatever case: %j and %j', (upper, lower) => {
    expect(normalizeEmail(lower)).not.toBeNull();
    expect(normalizeEmail(upper)).toBe(normalizeEmail(lower));
  });

  it('stays as it is when it is normalized again', () => {
    const letters = fc.string({
      unit: fc.oneof(
        fc.constantFrom('J', 'j', '\u030c', '\u0307', '\u0130', '\u212a', 'E', '\u0301'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(letters, (local) => {
        const email = normalizeEmail(`${local}@example.com`);
        if (email === null) return;
        expect(email).toBe(email.normalize('NFC'));
        expect(normalizeEmail(email)).toBe(email);
        expect(normalizeEmail(email.normalize('NFD'))).toBe(email);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a username', () => {
  it.each(['abc', 'Ada.Lovelace', 'a-b_c.d', '007', '...', 'x'.repeat(32)])('is %j', (input) => {
    expect(isUsername(input)).toBe(true);
  });

  it.each([
    '',
    'ab',
    'x'.repeat(33),
    'ada lovelace',
    'ada@example',
    'zo\u00e9',
    'ada\n',
    ' ada',
    'ada\0',
    '<ada>',
    '\u0430da',
    '$ne',
    'a/b/c',
    '\uff41\uff42\uff43',
  ])('is not %j', (input) => {
    expect(isUsername(input)).toBe(false);
  });
});

describe('an id', () => {
  it('is what the server makes', () => {
    expect(isId(randomUUID())).toBe(true);
  });

  it.each([
    '',
    'me',
    '1',
    randomUUID().toUpperCase(),
    `${randomUUID()}\n`,
    ` ${randomUUID()}`,
    randomUUID().replaceAll('-', ''),
    `{${randomUUID()}}`,
    "' OR 1=1 --",
    '{"$ne":null}',
    '__proto__',
  ])('is not %j', (input) => {
    expect(isId(input)).toBe(false);
  });
});
