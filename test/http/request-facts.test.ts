import { afterEach, describe, expect, test } from '@jest/globals';
import type { RequestFacts } from '../../src/auth/viewer.js';
import { requestFactsOf } from '../../src/http/request-facts.js';
import { exchange, type RunningServer, rawPost, startServer, stopServers } from './server-under-test.js';

afterEach(stopServers);

const echoing = (proxies = ''): Promise<RunningServer> =>
  startServer({ graphqlHandler: async (request) => JSON.stringify(requestFactsOf(request)) }, { LATCHKEY_TRUSTED_PROXIES: proxies });
const factsFor = async (server: RunningServer, ...headers: string[]): Promise<RequestFacts> => {
  const answer = await exchange(server.port, rawPost(headers));
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as RequestFacts;
};

describe('the client address', () => {
  test.each([
    // proxies, X-Forwarded-For, the address taken
    ['', '203.0.113.7', '127.0.0.1'],
    ['10.0.0.0/8', '203.0.113.7', '127.0.0.1'],
    ['127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['127.0.0.0/8', '203.0.113.7', '203.0.113.7'],
    ['127.0.0.1', 'spoofed, 198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['127.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['127.0.0.1, 10.0.0.0/8', '198.51.100.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['127.0.0.1, 10.0.0.0/8', '10.9.9.9, 10.1.2.3', '10.9.9.9'],
    ['127.0.0.1', '198.51.100.1, unknown', '127.0.0.1'],
    ['127.0.0.1, 10.0.0.0/8', 'nonsense, 10.1.2.3', '10.1.2.3'],
    ['127.0.0.1', '<script>', '127.0.0.1'],
    ['127.0.0.1', '203.0.113.7:8080', '127.0.0.1'],
    ['127.0.0.1', '127.1', '127.0.0.1'],
    ['127.0.0.1', '0x7f.1', '127.0.0.1'],
    ['127.0.0.1', '999.1.1.1', '127.0.0.1'],
    ['127.0.0.1', '010.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '', '127.0.0.1'],
    ['127.0.0.1', ',,,', '127.0.0.1'],
    ['127.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['127.0.0.1', '2001:DB8:0:0::1', '2001:db8::1'],
    ['127.0.0.1', 'fe80::1%evil', 'fe80::1'],
    ['127.0.0.1', '203.0.113.7'.repeat(1000), '127.0.0.1'],
  ])('behind the proxies %j, with X-Forwarded-For %j, is %s', async (proxies, forwarded, address) => {
    expect(await factsFor(await echoing(proxies), `X-Forwarded-For: ${forwarded}`)).toMatchObject({ ipAddress: address });
  });

  test('is read right to left over several headers of the name', async () => {
    const server = await echoing('127.0.0.1');
    expect(await factsFor(server, 'X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 203.0.113.7')).toMatchObject({
      ipAddress: '203.0.113.7',
    });
  });

  test('is not taken from other headers', async () => {
    const server = await echoing('127.0.0.1');
    const others = [
      'Forwarded: for=198.51.100.1',
      'X-Real-IP: 198.51.100.1',
      'X-Client-IP: 198.51.100.1',
      'CF-Connecting-IP: 198.51.100.1',
    ];
    expect(await factsFor(server, ...others)).toMatchObject({ ipAddress: '127.0.0.1' });
  });

  test('a header from an unlisted peer is warned of once', async () => {
    const server = await echoing('10.0.0.0/8');
    for (let count = 0; count < 3; count += 1) await factsFor(server, 'X-Forwarded-For: 203.0.113.7');
    expect(server.lines().filter((line) => line.level === 'warn')).toMatchObject([{ peer: '127.0.0.1' }]);

    const listed = await echoing('127.0.0.1');
    await factsFor(listed, 'X-Forwarded-For: 203.0.113.7');
    expect(listed.lines().filter((line) => line.level === 'warn')).toEqual([]);
  });
});

describe('the access token', () => {
  test.each([
    ['Authorization: Bearer a.b.c', 'a.b.c'],
    ['authorization: bEARER a.b.c', 'a.b.c'],
    ['Authorization: Bearer   a.b.c', 'a.b.c'],
    ['Authorization: Bearer !!!', '!!!'],
    ['Authorization: Bearer', null],
    ['Authorization: Bearer a b', null],
    ['Authorization: Bearer a, Bearer b', null],
    ['Authorization: Basic a.b.c', null],
    ['Authorization: a.b.c', null],
    ['Authorization: BearerX a.b.c', null],
    [`Authorization: Bearer ${'x'.repeat(8192)}`, 'x'.repeat(8192)],
    [`Authorization: Bearer ${'x'.repeat(8193)}`, null],
    ['X-Nothing: 1', null],
  ])('%s', async (header, accessToken) => {
    expect(await factsFor(await echoing(), header)).toMatchObject({ accessToken });
  });
});
