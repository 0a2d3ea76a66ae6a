import { describe, expect, it } from '@jest/globals';
import { isSameAddress, isSameAgent, networkOf } from '../../src/auth/binding.js';

const chrome = (version: number, system = 'Windows NT 10.0; Win64; x64'): string =>
  `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;

describe('the network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.254'],
    ['::ffff:192.0.2.1', '192.0.2.99'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:DB8:1:2::1', '2001:0db8:0001:0002:0:0:0:1'],
    [null, 'not an address'],
  ])('is one for %s and %s', (one, other) => {
    expect(networkOf(one)).toBe(networkOf(other));
  });

  it.each([
    ['192.0.2.1', '192.0.3.1'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['192.0.2.1', null],
    ['0.0.0.0', '::'],
    ['192.0.2.1', '2001:db8::192.0.2.1'],
  ])('is not one for %s and %s', (one, other) => {
    expect(networkOf(one)).not.toBe(networkOf(other));
  });
});

describe('the same address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2::2', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['192.0.2.1', '2001:db8::1', false],
    [null, null, true],
    [null, '192.0.2.1', false],
    ['2001:db8::1', null, false],
  ])('of %s and %s: %s', (one, other, expected) => {
    expect(isSameAddress(one, other)).toBe(expected);
    expect(isSameAddress(other, one)).toBe(expected);
  });

  it('is none where two texts with colons are no addresses', () => {
    expect(isSameAddress('not:an:address', 'neither:is:this')).toBe(false);
  });
});

describe('the same agent', () => {
  it.each([
    ['an update of the browser', chrome(126), chrome(127), true],
    [
      'an update of the browser on a Chromebook',
      chrome(126, 'X11; CrOS x86_64 14541.0.0'),
      chrome(127, 'X11; CrOS x86_64 15000.0.0'),
      true,
    ],
    ['an update of a program', 'curl/8.5.0', 'curl/8.6.0', true],
    ['another browser', chrome(126), `${chrome(126)} Edg/126.0.2592.68`, false],
    ['another system', chrome(126), chrome(126, 'X11; Linux x86_64'), false],
    ['another program', 'curl/8.5.0', 'Wget/1.21', false],
    ['none any more', chrome(126), null, false],
    ['none either time', null, null, true],
    ['two unknown ones that are alike', '!!', '!!', true],
    ['two unknown ones that differ', '!!', '??', false],
    ['an unknown one and none', '!!', null, false],
  ])('holds for %s or not', (_what, one, other, expected) => {
    expect(isSameAgent(one, other)).toBe(expected);
    expect(isSameAgent(other, one)).toBe(expected);
  });
});
