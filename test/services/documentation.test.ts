import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { projectPath } from '../architecture/project.js';
import { partsOf } from '../support/forging.js';
import { allowedOrigin, startServer, type TestServer } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { blocks } from './page.js';
import { logout, revocations, serviceToken, signUp, untilFeed, withServices } from './service.js';

const run = promisify(execFile);
const keysOf = (value: object): string[] => Object.keys(value).sort();

describe('docs/services.md', () => {
  let server: TestServer;
  const [introspection = '', whole = '', since = '', ...others] = blocks('sh');
  const [introspected = '', page = ''] = blocks('json').map((text) => JSON.parse(text));
  beforeAll(async () => {
    server = await startServer('sqlite::memory:', withServices);
    await untilFeed(server.url);
  });

  /** Runs a command of the page, with curl, and reads its answer. */
  async function curl(command: string, environment: Record<string, string> = {}) {
    const env = { PATH: process.env.PATH, LATCHKEY: new URL(server.url).origin, SERVICE_TOKEN: serviceToken, ...environment };
    const { stdout } = await run('bash', ['-c', command], { env });
    return JSON.parse(stdout);
  }

  it('has an introspection that works as it stands, and shows what it answers', async () => {
    const { id, token } = await signUp(server.url);
    const answer = await curl(introspection, { ACCESS_TOKEN: token });
    expect(answer).toMatchObject({ active: true, sub: id });
    expect(keysOf(introspected)).toEqual(keysOf(answer));
  });

  it('has requests of the feed that work as they stand, and shows what they answer', async () => {
    const { sessionId, email, token } = await signUp(server.url);
    await server.app.services.accounts.grantRole(email, 'support');
    const first = await curl(whole);
    await logout(server.url, token);
    const next = await curl(since, { CURSOR: first.cursor });
    expect([first.complete, next.complete, next.sessions[0].sid]).toEqual([true, false, sessionId]);
    expect(keysOf(page)).toEqual(keysOf(first));
    expect(keysOf(page.accounts[0])).toEqual(keysOf(first.accounts[0]));
    expect(keysOf(page.sessions[0])).toEqual(keysOf(next.sessions[0]));
    const nothing = await curl(since, { CURSOR: next.cursor });
    expect(nothing).toMatchObject({ cursor: next.cursor, sessions: [], accounts: [] });
    expect(others).toEqual([]);
  });

  it('has a verifier that works as it stands: by introspection at first, and then on its own', async () => {
    const [algorithm = '', verifier = ''] = blocks('js');
    const program = `${verifier}\n${algorithm}
      void follow();
      const { createInterface } = await import('node:readline');
      for await (const token of createInterface({ input: process.stdin })) {
        const by = performance.now() > freshUntil ? 'introspection' : 'feed';
        console.log(JSON.stringify(await check(token).then((verdict) => ({ ...verdict, by }), ({ code }) => ({ code, by }))));
      }
      process.exit();`
      .replace('http://latchkey.internal:4000', new URL(server.url).origin)
      .replace('https://auth.example.com', allowedOrigin);
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: projectPath('.'),
      env: { PATH: process.env.PATH, SERVICE_TOKEN: serviceToken },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const check = async (token: string) => {
      child.stdin.write(`${token}\n`);
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      return JSON.parse(line.toString('utf8'));
    };
    const { id, token } = await signUp(server.url);
    await check(token);
    for (;;) {
      const verdict = await check(token);
      expect(verdict).toMatchObject({ alive: true, roles: ['user'], scope: '' });
      if (verdict.by === 'feed') break;
    }
    const { claims, segments } = partsOf(token);
    const forged = Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url');
    expect(await check(`${segments[0]}.${forged}.${segments[2]}`)).toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
    const { cursor } = await revocations(server.url);
    await logout(server.url, token);
    const sinceEnd = stopwatch();
    for (;;) {
      const verdict = await check(token);
      expect(verdict.by).toBe('feed');
      if (!verdict.alive) {
        expect(verdict.reason).toBe('LOGOUT');
        break;
      }
      expect(sinceEnd()).toBeLessThan(3_000);
    }
    expect((await revocations(server.url, { after: cursor })).sessions).toHaveLength(1);
    expect(id).not.toBe('');
    child.stdin.end();
    await once(child, 'close');
  });
});
