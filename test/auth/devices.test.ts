import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deviceOf } from '../../src/auth/devices.js';
import { deviceKinds } from '../../src/store/records.js';

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

/** What somebody would like to have read in a mail to somebody else. */
const sayings = [
  'Mozilla/5.0 Your account is locked, confirm at https://evil.example/x now',
  'Mozilla/5.0 Call 555-0100 now/1.0 (x)',
  'evil.example.com/1.0',
  'evil.example.com',
  'go+to+evil/1.0',
];

describe('the device that a user agent claims to be', () => {
  it.each([
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on Windows', 'DESKTOP'],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68`,
      'Microsoft Edge on Windows',
      'DESKTOP',
    ],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0`, 'Opera on Windows', 'DESKTOP'],
    ['Opera/9.80 (Windows NT 6.1; U; en) Presto/2.8.131 Version/11.11', 'Opera on Windows', 'DESKTOP'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0', 'Firefox on Linux', 'DESKTOP'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
      'Safari on macOS',
      'DESKTOP',
    ],
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on Chrome OS', 'DESKTOP'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
      'MOBILE',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
      'TABLET',
    ],
    [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/126.0.0.0 Mobile Safari/537.36`, 'Chrome on Android', 'MOBILE'],
    [`Mozilla/5.0 (Linux; Android 13; SM-X700) ${webkit} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on Android', 'TABLET'],
    ['Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0', 'Firefox on Android', 'MOBILE'],
    [`Mozilla/5.0 (Web0S; Linux/SmartTV) ${webkit} Chrome/87.0.4280.88 Safari/537.36 WebAppManager`, 'WebOS Browser on WebOS', 'TV'],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Googlebot', 'BOT'],
  ])('of %j is %s, %s', (userAgent, label, kind) => {
    expect(deviceOf(userAgent)).toMatchObject({ label, kind });
  });

  it('names browser and system apart', () => {
    expect(deviceOf('Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0')).toEqual({
      label: 'Firefox on Linux',
      browser: 'Firefox',
      os: 'Linux',
      kind: 'DESKTOP',
    });
  });

  it.each([
    ['curl/8.5.0', 'curl'],
    ['node', 'node'],
    ['python-requests/2.31.0', 'python-requests'],
    ['okhttp/4.12.0', 'okhttp'],
    ['Dart/3.4 (dart:io)', 'Dart'],
    ['Go-http-client/2.0', 'Go-http-client'],
    ['PostmanRuntime/7.39.0', 'PostmanRuntime'],
    ['Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)', 'Dalvik'],
    ['MyApp/1.2.3 CFNetwork/1498.700.2 Darwin/23.6.0', 'MyApp'],
  ])('of %j is a program', (userAgent, label) => {
    expect(deviceOf(userAgent)).toEqual({ label, browser: null, os: null, kind: 'PROGRAM' });
  });

  it.each([null, '', '   ', '\0', 'Mozilla/5.0', '<script>alert(1)</script>', "curl/8.5.0' OR 1=1", 'x'.repeat(512), '!', ...sayings])(
    'of %j is unknown',
    (userAgent) => {
      expect(deviceOf(userAgent)).toEqual({ label: 'Unknown device', browser: null, os: null, kind: 'UNKNOWN' });
    },
  );

  it('keeps what is known beside what is not, and none of the words of a stranger', () => {
    expect(deviceOf('Mozilla/5.0 (X11; Linux x86_64) Visit https://evil.example/x now')).toMatchObject({
      label: 'Linux',
      browser: null,
      os: 'Linux',
    });
  });

  it('is something for whatever a client sends', () => {
    const words = fc.constantFrom(
      'Mozilla/5.0 ',
      'Opera/',
      '(',
      ')',
      ';',
      'Chrome/',
      'Android',
      ' ',
      'Linux',
      'MSIE ',
      'like Gecko',
      '+',
      '\\',
      '1.0',
      '__proto__',
    );
    const texts = fc.oneof(
      fc.string({ maxLength: 512 }),
      fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { label, kind } = deviceOf(text);
        expect(label).toMatch(/^[A-Za-z][\w -]{0,59}$/);
        expect(deviceKinds).toContain(kind);
      }),
      { numRuns: 500 },
    );
  });
});
