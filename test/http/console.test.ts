import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import { get } from '../support/requests.js';
import { exchange, type RunningServer, startServer, stopServers } from './server-under-test.js';

afterAll(stopServers);

const script = 'export const answer = 42;\n';
const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

/** A console as the build leaves it, and a file beside it that nobody may read. */
function builtConsole(): string {
  const folder = mkdtempSync(join(process.env.LATCHKEY_TEST_DIR ?? tmpdir(), 'console-'));
  mkdirSync(join(folder, 'console', 'assets', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'not for anyone');
  writeFileSync(join(folder, 'console', 'index.html'), '<!doctype html><title>the page</title>');
  const page = '<html data-sandbox="__SANDBOX__"><title>the console</title><script src="__CONSOLE__assets/a-1234abcd.js"></script>';
  writeFileSync(join(folder, 'console', 'page.html'), page);
  writeFileSync(join(folder, 'console', 'build.json'), '{"not":"served"}');
  const assets = { 'a-1234abcd.js': script, 'a-1234abcd.css': 'body{}', 'a-1234abcd.ttf': 'font', 'a-1234abcd.svg': '<svg/>' };
  for (const [name, text] of Object.entries(assets)) writeFileSync(join(folder, 'console', 'assets', name), text);
  writeFileSync(join(folder, 'console', 'assets', 'a-1234abcd.js.gz'), gzipSync(script));
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'console', 'link'));
  return join(folder, 'console');
}

const serve = (environment: Record<string, string> = {}, consoleFolder = builtConsole()): Promise<RunningServer> =>
  startServer({ consoleFolder }, environment);
const open = ({ url }: RunningServer, path = '/graphql', accept = browserAccept) => get(`${url}${path}`, { accept });

describe('GET /graphql', () => {
  test.each([
    ['a browser', browserAccept],
    ['Safari', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['who asks for HTML alone', 'text/html'],
    ['who would take JSON too, but less gladly', 'application/json;q=0.8, text/html'],
  ])('gives the page to %s', async (_name, accept) => {
    const { status, headers, text } = await open(await serve(), '/graphql', accept);
    expect(status).toBe(200);
    expect(text).toContain('the page');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
        "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    });
  });

  test('with an operation gives a browser the page, which shows it, and does not run it', async () => {
    const { text } = await open(await serve(), '/graphql?query=%7Bok%7D');
    expect(text).toContain('the page');
  });

  test.each([
    ['no preference', '*/*'],
    ['JSON', 'application/json'],
    ['the GraphQL media type', 'application/graphql-response+json, application/json;q=0.9'],
    ['JSON before HTML', 'application/json, text/html;q=0.9'],
    ['both alike', 'application/*, text/html;q=0.9'],
  ])('answers a client that states %s as before', async (_name, accept) => {
    const server = await serve();
    const { headers, text } = await open(server, '/graphql?query=%7Bok%7D', accept);
    expect(text).toBe('{"data":{"ok":true}}\n');
    expect(headers).toMatchObject({ 'content-security-policy': "default-src 'none';frame-ancestors 'none'" });
  });

  test('is the only way to the page', async () => {
    const server = await serve();
    const posted = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/html', 'content-type': 'application/json' },
      body: '{"query":"{ ok }"}',
    });
    expect(await posted.text()).toContain('"ok":true');
    expect((await fetch(`${server.url}/graphql`, { method: 'HEAD', headers: { accept: 'text/html' } })).status).toBe(405);
    for (const path of ['/', '/graphql/', '/console/assets/index.html']) {
      expect([path, (await open(server, path)).status]).toEqual([path, 404]);
    }
    expect((await open(server, '/console/index.html')).text).not.toContain('the page');
  });

  test.each([
    ['switched off', { LATCHKEY_SANDBOX: 'off' }],
    ['in production', { NODE_ENV: 'production', LATCHKEY_SECRET: 'a secret of these tests: 0123456789 abcdef' }],
  ])('answers as before, and serves no assets where there is no console either, %s', async (_name, environment: Record<string, string>) => {
    const server = await serve({ ...environment, LATCHKEY_CONSOLE: 'off' });
    expect((await open(server)).status).toBe(400);
    expect((await open(server, '/graphql?query=%7Bok%7D')).text).toContain('"ok":true');
    expect((await open(server, '/console/assets/a-1234abcd.js')).status).toBe(404);
  });

  test('answers as before where the console was not built, and the log says why, once', async () => {
    const server = await serve({}, join(builtConsole(), 'missing'));
    expect((await open(server)).status).toBe(400);
    await open(server);
    expect(server.lines().filter(({ msg }) => String(msg).includes('the console is not built'))).toHaveLength(1);
  });
});

describe('GET /console', () => {
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  const production = { NODE_ENV: 'production', LATCHKEY_SECRET: 'a secret of these tests: 0123456789 abcdef' };

  test.each([
    ['/console', 'console/'],
    ['/console?a=b/c/d', 'console/'],
    ['/console/', './'],
    ['/console/users', './'],
    ['/console/users/1?a=/b', './../'],
    ['/console/users/1/', './../../'],
    ['/console/a%2fb', './'],
    ['/console/build.json', './'],
    ['/console/link', './'],
  ])('gives the page at %s, which finds its assets from there', async (path, way) => {
    const server = await serve();
    const { status, headers, text } = await open(server, path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    });
    expect(text).toBe(`<html data-sandbox="on"><title>the console</title><script src="${way}assets/a-1234abcd.js"></script>`);
    const script = new URL(`${way}assets/a-1234abcd.js`, `${server.url}${path}`);
    expect([script.pathname, (await fetch(script)).status]).toEqual(['/console/assets/a-1234abcd.js', 200]);
  });

  test('is there in production too, without an explorer', async () => {
    const server = await serve(production);
    expect((await open(server, '/console')).text).toContain('data-sandbox="off"');
    expect((await open(server, '/console/sandbox')).headers).toMatchObject({ 'content-security-policy': policy });
    expect((await open(server, '/console/assets/a-1234abcd.js')).status).toBe(200);
    expect((await open(server)).status).toBe(400);
  });

  test('lets the explorer alone write styles of its own', async () => {
    const { headers } = await open(await serve(), '/console/sandbox');
    expect(headers).toMatchObject({ 'content-security-policy': expect.stringContaining("style-src 'self' 'unsafe-inline'") });
  });

  test.each([{}, production])('is not there when it is switched off', async (environment) => {
    const server = await serve({ ...environment, LATCHKEY_CONSOLE: 'off' });
    for (const path of ['/console', '/console/', '/console/users']) expect([path, (await open(server, path)).status]).toEqual([path, 404]);
  });

  test('is a path like any that is not there where it was not built, and no page leads on to it', async () => {
    const server = await serve({}, join(builtConsole(), 'missing'));
    const posted = await fetch(`${server.url}/console`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([404, null]);
    expect((await open(server, '/reset-password')).text).not.toContain('href="console"');
    expect((await open(await serve(), '/reset-password')).text).toContain('href="console"');
  });

  test('takes no other method', async () => {
    const server = await serve();
    const posted = await fetch(`${server.url}/console`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${server.url}/console`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('assets', () => {
  test.each([
    ['a-1234abcd.js', /^(text|application)\/javascript; charset=utf-8$/],
    ['a-1234abcd.css', /^text\/css; charset=utf-8$/],
    ['a-1234abcd.ttf', /^font\/ttf$/],
    ['a-1234abcd.svg', /^image\/svg\+xml/],
  ])('%s has its type and may be kept for a year', async (name, type) => {
    const response = await fetch(`${(await serve()).url}/console/assets/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(type);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
  });

  test('are sent compressed to whoever accepts it', async () => {
    const server = await serve();
    const raw = await exchange(
      server.port,
      'GET /console/assets/a-1234abcd.js HTTP/1.1\r\nhost: x\r\naccept-encoding: br, gzip\r\nconnection: close\r\n\r\n',
    );
    expect(raw).toMatch(/\r\ncontent-encoding: gzip\r\n/i);
    expect(raw).toMatch(/\r\nvary: .*accept-encoding/i);
    expect(raw).toMatch(/\r\ncontent-type: \w+\/javascript; charset=utf-8\r\n/i);
    const compressed = await fetch(`${server.url}/console/assets/a-1234abcd.js`, { headers: { 'accept-encoding': 'gzip' } });
    expect(await compressed.text()).toBe(script);
    expect((await get(`${server.url}/console/assets/a-1234abcd.js`)).text).toBe(script);
  });

  test.each([
    '/console/assets/../build.json',
    '/console/assets/..%2fbuild.json',
    '/console/assets/%2e%2e/build.json',
    '/console/assets/..%5cbuild.json',
    '/console/assets/..\\..\\secret.txt',
    '/console/assets/%2e%2e%2f%2e%2e%2fsecret.txt',
    '/console/assets/deep/../../build.json',
    '/console/assets/./a-1234abcd.js/../../index.html',
    '/console/assets//etc/passwd',
    '/console/assets/%00',
    '/console/assets/a-1234abcd.js%00.css',
    '/console/assets/a-1234abcd.js/',
    '/console/assets/',
    '/console/assets',
    '/console/assets/deep',
    '/console/assets/%252e%252e/build.json',
    '/console/assets/....//build.json',
  ])('%s leads nowhere', async (path) => {
    const server = await serve();
    const answer = await exchange(server.port, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(answer).toContain('"errors":[');
    expect(answer).not.toMatch(/not for anyone|"not":"served"|the page|the console|root:/);
  });
});
