import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../support/mongo-server.js';
import { runToEnd, startProcess } from '../support/processes.js';
import { temporaryFolder, testEnvironment } from '../support/server.js';

const demo = (args: readonly string[] = [], environment: Record<string, string> = {}) => runToEnd('../scripts/demo.mjs', args, environment);
const titles = (output: string) => [...output.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
const aWholeToken = /lk_rt_[\w-]{12}|eyJ[\w-]{12}/;

describe('npm run demo', () => {
  it('starts a server of its own, walks to the end, and leaves nothing behind', async () => {
    const folder = mkdtempSync(join(process.env.LATCHKEY_TEST_DIR ?? tmpdir(), 'demo-'));
    const { code, stdout, stderr } = await demo([], { TMPDIR: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(titles(stdout)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(stdout).toContain('REFRESH_TOKEN_REUSED');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('walks through a running server, whose grace it does not wait for, and prints no whole token and no password', async () => {
    const server = await startProcess(testEnvironment(`sqlite:${join(temporaryFolder(), 'latchkey.db')}`));
    const { code, stdout, stderr } = await demo([server.url]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(titles(stdout)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10]);
    expect(stdout).not.toMatch(aWholeToken);
    expect(stdout.match(/"password":"[^"]*"/g)).toEqual(Array(3).fill('"password":"..."'));
    expect(stdout).not.toContain('\u001b');
  });

  it('says which answer was not as told, and fails', async () => {
    const strict = await startProcess(
      testEnvironment(`sqlite:${join(temporaryFolder(), 'latchkey.db')}`, { LATCHKEY_REFRESH_GRACE: '0s' }),
    );
    const { code, stderr } = await demo([strict.url]);
    expect(code).toBe(1);
    expect(stderr.trim()).toBe(
      'A refresh that should have been answered was refused: REFRESH_TOKEN_REUSED. Does the server have a grace of 0?',
    );
  });

  it('says that the sign-up is closed', async () => {
    const closed = await startProcess(testEnvironment(`sqlite:${join(temporaryFolder(), 'latchkey.db')}`, { LATCHKEY_SIGNUP: 'off' }));
    expect(await demo([closed.url])).toMatchObject({ code: 1, stderr: expect.stringContaining('has its sign-up closed') });
  });

  it('says that nobody answers', async () => {
    const url = `http://127.0.0.1:${await freePort()}/graphql`;
    expect(await demo([url])).toMatchObject({ code: 1, stderr: `\nNobody answers at ${url}: ECONNREFUSED\n` });
  });

  it('says that what answers is no GraphQL server', async () => {
    const server = createServer((_request, response) => response.end('<h1>It works!</h1>')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { code, stderr } = await demo([`http://127.0.0.1:${(server.address() as AddressInfo).port}/`]);
    server.close();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Does its path end with /graphql?') });
  });

  it.each([
    ['ftp://example.com', 'Not an http or https URL: ftp://example.com'],
    ['http://ada:secret@127.0.0.1/graphql', 'The URL must not hold a user name or a password.'],
  ])('refuses %s', async (url, problem) => {
    expect(await demo([url])).toMatchObject({ code: 1, stderr: `\n${problem}\n` });
  });
});
