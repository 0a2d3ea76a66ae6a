import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { runToEnd, startProcess } from '../support/processes.js';
import { extensionsOf, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, temporaryFolder, testEnvironment } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';

let people = 0;
async function signUp(url: string) {
  people += 1;
  const email = `owner${people}@example.com`;
  const { data } = await post(url, signupMutation, { input: { email, password: goodPassword } });
  const { session, accessToken, refreshToken } = data.signup.auth;
  return { email, sessionId: session.id as string, accessToken: accessToken as string, refreshToken: refreshToken as string };
}
const quickStart = (folder: string) => ({
  PORT: '0',
  LATCHKEY_DATA_DIR: folder,
  LATCHKEY_BCRYPT_COST: '4',
  LATCHKEY_PUBLIC_URL: 'http://127.0.0.1:4000',
});

describe('A quick start', () => {
  it('needs no setting, keeps data and secret in ./data for the owner alone, and says what is unsafe', async () => {
    const folder = temporaryFolder();
    const server = await startProcess({ PORT: '0' }, folder);
    const data = join(folder, 'data');
    expect(readdirSync(folder)).toEqual(['data']);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    for (const name of ['secret', 'latchkey.db']) expect(statSync(join(data, name)).mode & 0o777).toBe(0o600);
    const output = server.output();
    expect(output).toContain(server.url);
    expect(output).toContain(join(data, 'latchkey.db'));
    expect(output).toContain(join(data, 'secret'));
    expect(output).toMatch(/not for production/i);
    expect(output).not.toContain(readFileSync(join(data, 'secret'), 'utf8').trim());
  });

  it('leaves everybody signed in after a restart', async () => {
    const environment = quickStart(temporaryFolder());
    const first = await startProcess(environment);
    const client = await signUp(first.url);
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await startProcess(environment);
    expect((await post(second.url, meQuery, {}, { token: client.accessToken })).data.me.email).toBe(client.email);
    expect((await post(second.url, refreshMutation, { token: client.refreshToken })).errors).toEqual([]);
  });

  it('makes one secret and one set of keys when two servers start at once on a new folder', async () => {
    const environment = quickStart(temporaryFolder());
    const [one, other] = await Promise.all([startProcess(environment), startProcess(environment)]);
    const client = await signUp(one.url);
    expect((await post(other.url, meQuery, {}, { token: client.accessToken })).errors).toEqual([]);
    expect((await post(other.url, refreshMutation, { token: client.refreshToken })).errors).toEqual([]);
  });
});

describe('A stop', () => {
  it('takes at most a second when idle, also with connections kept alive, and writes down the last uses', async () => {
    const folder = temporaryFolder();
    const server = await startProcess(quickStart(folder));
    const client = await signUp(server.url);
    await post(server.url, meQuery, {}, { token: client.accessToken });
    const silent = connect(Number(new URL(server.url).port), '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    const sinceSignal = stopwatch();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(sinceSignal()).toBeLessThan(1_000);
    silent.destroy();
    const database = new Database(join(folder, 'latchkey.db'));
    const [row] = database.prepare('SELECT * FROM sessions WHERE id = ?').all(client.sessionId) as Record<string, unknown>[];
    database.close();
    expect(Object.entries(row ?? {}).find(([name]) => /confirmed_?generation/i.test(name))?.[1]).toBe(0);
  });

  it('comes with the end of npm, whose shell passes no signal on', async () => {
    const environment = { PATH: process.env.PATH ?? '', ...quickStart(temporaryFolder()), npm_lifecycle_event: 'start' };
    const command = `"${process.execPath}" dist/main.js; true`;
    const shell = spawn('sh', ['-c', command], {
      cwd: join(__dirname, '..', '..'),
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = { text: '' };
    shell.stdout.on('data', (chunk: Buffer) => {
      output.text += chunk.toString();
    });
    const closed = once(shell.stdout, 'close');
    while (!output.text.includes('"listening"')) await once(shell.stdout, 'data');
    shell.kill('SIGTERM');
    // The pipe closes when the server, which holds its other end, is gone.
    await closed;
    expect(output.text).toContain('"stopped"');
  });

  it('lets a request in flight finish', async () => {
    const headers = { authorization: 'Bearer metrics-0123456789' };
    const settings = { LATCHKEY_BCRYPT_COST: '13', LATCHKEY_METRICS_TOKEN: 'metrics-0123456789' };
    const server = await startProcess({ ...quickStart(temporaryFolder()), ...settings });
    const slow = post(server.url, signupMutation, { input: { email: 'slow@example.com', password: goodPassword } });
    const metrics = async () => (await fetch(new URL('/metrics', server.url), { headers })).text();
    while (!/^latchkey_password_hashes_running 1$/m.test(await metrics()));
    const code = server.end('SIGTERM');
    expect((await slow).errors).toEqual([]);
    expect(await code).toBe(0);
  });
});

describeStores('A server that is killed', (database) => {
  it('in the middle of rotations loses no session and forks none: the client repeats the call and stays signed in', async () => {
    const environment = testEnvironment(database.url);
    let server = await startProcess(environment);
    const clients = [];
    for (let count = 0; count < 8; count += 1) clients.push(await signUp(server.url));
    for (let kill = 0; kill < 5; kill += 1) {
      const { url } = server;
      const calls = clients.map((client) => post(url, refreshMutation, { token: client.refreshToken }).catch(() => null));
      await new Promise((resolve) => setTimeout(resolve, kill * 5));
      await server.end('SIGKILL');
      const answers = await Promise.all(calls);
      server = await startProcess(environment);
      for (const [index, client] of clients.entries()) {
        const before = answers[index]?.data?.refreshToken.refreshToken;
        const repeated = await post(server.url, refreshMutation, { token: client.refreshToken });
        expect(repeated.errors).toEqual([]);
        const { refreshToken } = repeated.data.refreshToken;
        if (before !== undefined) expect(refreshToken).toBe(before);
        client.refreshToken = refreshToken;
      }
    }
  });

  it('has kept every sign-up, sign-in and revocation that it acknowledged', async () => {
    const environment = testEnvironment(database.url);
    const server = await startProcess(environment);
    const [kept, ended] = [await signUp(server.url), await signUp(server.url)];
    const signIn = await post(server.url, loginMutation, { input: { login: kept.email, password: goodPassword } });
    await post(server.url, 'mutation { logout }', {}, { token: ended.accessToken });
    await server.end('SIGKILL');
    const next = await startProcess(environment);
    expect((await post(next.url, meQuery, {}, { token: kept.accessToken })).errors).toEqual([]);
    expect((await post(next.url, meQuery, {}, { token: signIn.data.login.accessToken })).errors).toEqual([]);
    expect(extensionsOf(await post(next.url, meQuery, {}, { token: ended.accessToken }))).toMatchObject({ reason: 'REVOKED' });
  });
});

describe('A start that is refused', () => {
  const refused = async (environment: Record<string, string>) => {
    const { code, stdout, stderr } = await runToEnd('main.js', [], environment);
    expect(code).toBe(1);
    expect(stdout).not.toContain('listening');
    expect(stderr).not.toMatch(/\n\s+at /);
    return stderr;
  };

  it('names every faulty variable and no value', async () => {
    const said = await refused({
      NODE_ENV: 'production',
      PORT: 'four thousand',
      LATCHKEY_REFRESH_GRACE: '61s',
      LATCHKEY_SECRET: 'short-secret',
    });
    for (const name of ['PORT', 'LATCHKEY_REFRESH_GRACE', 'LATCHKEY_SECRET', 'LATCHKEY_PUBLIC_URL']) expect(said).toContain(name);
    for (const value of ['four thousand', '61s', 'short-secret']) expect(said).not.toContain(value);
  });

  it('says that the store cannot be reached, and not with which password', async () => {
    const said = await refused(testEnvironment('mongodb://somebody:hunter2hunter2@127.0.0.1:9/latchkey'));
    expect(said).toContain('LATCHKEY_STORE_URL');
    expect(said).not.toContain('hunter2');
  });

  it('says that the secret does not open the store, or that the store is newer', async () => {
    const environment = testEnvironment(`sqlite:${join(temporaryFolder(), 'a.db')}`);
    const server = await startProcess(environment);
    await server.end('SIGTERM');
    expect(await refused({ ...environment, LATCHKEY_SECRET: `${environment.LATCHKEY_SECRET} but another` })).toContain('LATCHKEY_SECRET');
    const database = new Database(environment.LATCHKEY_STORE_URL?.slice('sqlite:'.length) ?? '');
    database.exec('PRAGMA user_version = 999');
    database.close();
    expect(await refused(environment)).toMatch(/newer/);
  });

  it('says that the port is taken', async () => {
    const server = await startProcess(quickStart(temporaryFolder()));
    expect(await refused({ ...quickStart(temporaryFolder()), PORT: new URL(server.url).port })).toContain('PORT');
  });

  it('says that the folder cannot be written', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const { code, stderr } = await runToEnd('main.js', [], quickStart(join(folder, 'file', 'data')));
    expect(code).toBe(1);
    expect(stderr).toContain('LATCHKEY_DATA_DIR');
  });
});

describeStores('The command line', (database) => {
  it('grants a role that acts with the next request, and says what it did', async () => {
    const environment = testEnvironment(database.url);
    const server = await startProcess(environment);
    const client = await signUp(server.url);
    const granted = await runToEnd('cli/latchkey.js', ['user', 'grant', client.email.toUpperCase(), 'admin'], environment);
    expect(granted).toEqual({ code: 0, stdout: `${client.email}: user, admin\n`, stderr: '' });
    const { data } = await post(server.url, '{ me { roles permissions } }', {}, { token: client.accessToken });
    expect(data.me).toEqual({
      roles: ['user', 'admin'],
      permissions: ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'],
    });
  });

  it('exits with another code than 0 and a reason when nothing was granted', async () => {
    const environment = testEnvironment(database.url);
    for (const [login, role] of [
      ['nobody@example.com', 'admin'],
      ['nobody@example.com', 'emperor'],
    ] as const) {
      const { code, stdout, stderr } = await runToEnd('cli/latchkey.js', ['user', 'grant', login, role], environment);
      expect({ code, stdout }).toEqual({ code: role === 'admin' ? 1 : 2, stdout: '' });
      expect(stderr).toMatch(role === 'admin' ? /no account/i : /user, support, admin/);
    }
  });

  it('runs the server by `latchkey start`, and explains itself', async () => {
    const help = await runToEnd('cli/latchkey.js', ['--help'], {});
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/start[\s\S]*user/);
    expect((await runToEnd('cli/latchkey.js', ['emigrate'], {})).code).not.toBe(0);
    const refused = await runToEnd('cli/latchkey.js', ['start'], { PORT: 'x' });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('PORT') });
  });
});
