import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { projectPath } from '../architecture/project.js';
import { get } from '../support/requests.js';
import { exchange, type RunningServer, startServer, stopServers } from './server-under-test.js';

let server: RunningServer;
afterAll(stopServers);
const open = async (path: string) => {
  server ??= await startServer();
  return get(`${server.url}${path}`, { accept: 'text/html', host: 'evil.example.com' });
};
const pages = ['/reset-password', '/verify-email'];
const files: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/reset-password', 'reset-password.html', 'text/html'],
  ['/verify-email', 'verify-email.html', 'text/html'],
  ['/link-pages/script.js', 'script.js', 'text/javascript'],
  ['/link-pages/style.css', 'style.css', 'text/css'],
];

describe('The pages for links in mails', () => {
  test.each(files)('%s comes as it is, is kept by nobody, and may load nothing from elsewhere', async (path, file, type) => {
    const { status, headers, text } = await open(path);
    expect(status).toBe(200);
    expect(text).toBe(readFileSync(projectPath(`pages/${file}`), 'utf8'));
    expect(headers).toMatchObject({
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'",
    });
  });

  test.each(pages)('%s is the same whatever is in the query, which does not come into the log', async (path) => {
    const { text } = await open(`${path}?token=lk_ot_0123456789&x=<script>`);
    expect(text).toBe((await open(path)).text);
    expect(server.logged()).not.toContain('0123456789');
  });

  test.each(pages)('%s holds no script or style of its own, and names nothing of another host', async (path) => {
    const { text } = await open(path);
    expect(text).not.toMatch(/<script(?![^>]* src="link-pages\/script\.js")|<style|style=|\son\w+=|https?:|\/\//i);
  });

  test.each([
    [{ LATCHKEY_RESET_URL: 'https://app.example.com/reset' }, ['/reset-password']],
    [{ LATCHKEY_VERIFY_URL: 'https://app.example.com/verify' }, ['/verify-email']],
    [
      { LATCHKEY_RESET_URL: 'https://app.example.com/reset', LATCHKEY_VERIFY_URL: 'https://app.example.com/verify' },
      files.map(([path]) => path),
    ],
  ])('are not there where the application has its own: %j', async (settings, missing) => {
    const own = await startServer({}, settings as Record<string, string>);
    const statuses = await Promise.all(
      files.map(async ([path]) => [path, (await get(`${own.url}${path}`, { accept: 'text/html' })).status] as const),
    );
    expect(statuses).toEqual(files.map(([path]) => [path, missing.includes(path) ? 404 : 200]));
    const posted = await Promise.all(missing.map(async (path) => (await fetch(`${own.url}${path}`, { method: 'POST' })).status));
    expect(posted).toEqual(missing.map(() => 404));
  });

  test('takes no other method', async () => {
    server ??= await startServer();
    const answer = await exchange(server.port, 'POST /verify-email HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer.toLowerCase()).toContain('allow: get, head');
  });
});
