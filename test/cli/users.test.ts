import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AuthError } from '../../src/auth/errors.js';
import { failureOf } from '../../src/cli/failures.js';
import type { Store } from '../../src/store/port.js';
import { latchkey, latchkeyJson, startProcess } from '../support/processes.js';
import { anAccount } from '../support/records.js';
import { loginMutation, post } from '../support/requests.js';
import { goodPassword, temporaryFolder, testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

/** Each command is a process of its own, which takes its time to start on a busy machine. */
jest.setTimeout(120_000);

const input = `${goodPassword}\nnot a part of it`;
const anEmail = () => `${randomUUID()}@example.com`;

describeStores('latchkey user create', (database) => {
  const environment = testEnvironment(database.url, { LATCHKEY_SIGNUP: 'off' });

  it('makes an account that can sign in, with sign-up closed', async () => {
    const email = anEmail();
    const args = [
      'user',
      'create',
      ` ${email.toUpperCase()} `,
      '--username',
      'Countess',
      '--role',
      'admin',
      '--role',
      'admin',
      '--verified',
    ];
    const { user } = await latchkeyJson(args, environment, input);
    const facts = { email, username: 'Countess', roles: ['user', 'admin'], emailVerified: true, disabled: null, lastLoginAt: null };
    expect(user).toMatchObject(facts);
    expect(user.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(JSON.stringify(user)).not.toMatch(/hash|lk1/i);
    const server = await startProcess(environment);
    const { data } = await post(server.url, loginMutation, { input: { login: 'countess', password: goodPassword } });
    expect(data.login.user.id).toBe(user.id);
  });

  it('holds to the rules of sign-up, and says which was broken', async () => {
    const email = anEmail();
    await latchkeyJson(['user', 'create', email, '--username', 'taken'], environment, input);
    for (const [args, password, code] of [
      [[email], input, 'EMAIL_TAKEN'],
      [[anEmail(), '--username', 'TAKEN'], input, 'USERNAME_TAKEN'],
      [['no address'], input, 'BAD_USER_INPUT'],
      [[anEmail(), '--username', 'a b'], input, 'BAD_USER_INPUT'],
      [[anEmail()], 'short\n', 'WEAK_PASSWORD'],
    ] as const) {
      const { code: exit, stdout, stderr } = await latchkey(['user', 'create', ...args, '--json'], environment, password);
      expect({ exit, stdout, code: JSON.parse(stderr).error.code }).toEqual({ exit: 1, stdout: '', code });
    }
  });

  it('makes one of two that are told the same at once', async () => {
    const email = anEmail();
    const both = await Promise.all([1, 2].map(() => latchkey(['user', 'create', email], environment, input)));
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const { users } = await latchkeyJson(['user', 'list', '--search', email], environment);
    expect(users).toHaveLength(1);
  });
});

describeStores('latchkey user grant', (database) => {
  it('gives a role, by username too, and leaves one that is held', async () => {
    const environment = testEnvironment(database.url);
    const store = await database.open();
    const account = anAccount({ username: 'Ada', roles: ['user'] });
    await store.createAccount(account);
    for (const login of ['aDA', account.email]) {
      const { user } = await latchkeyJson(['user', 'grant', login, 'support'], environment);
      expect(user).toMatchObject({ id: account.id, roles: ['user', 'support'] });
    }
    expect((await store.findAccount(account.id))?.version).toBe(2);
  });
});

describe('a role at the command line', () => {
  it('is one of the settings, and an unknown one is refused with those that there are, before anything is done', async () => {
    const path = join(temporaryFolder(), 'config.json');
    writeFileSync(path, JSON.stringify({ roles: { member: [], owner: ['users:write'] }, defaultRole: 'member' }));
    const environment = testEnvironment(`sqlite:${temporaryFolder()}/latchkey.db`, { LATCHKEY_CONFIG_FILE: path });
    const email = anEmail();
    const { user } = await latchkeyJson(['user', 'create', email, '--role', 'owner'], environment, input);
    expect(user).toMatchObject({ roles: ['member', 'owner'], permissions: ['users:write'] });
    for (const args of [
      ['user', 'create', anEmail(), '--role', 'admin'],
      ['user', 'grant', email, 'admin'],
      ['user', 'list', '--role', 'admin'],
      ['sessions', 'list', '--role', 'admin'],
    ]) {
      const { code, stdout, stderr } = await latchkey(args, environment, input);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('It must be one of member, owner.');
    }
  });

  it('cannot be told while the file of the settings is at fault', async () => {
    const { code, stderr } = await latchkey(['user', 'list', '--role', 'admin'], { LATCHKEY_CONFIG_FILE: '/is/not/there.json' });
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'LATCHKEY_CONFIG_FILE must name a file that can be read\n' });
  });
});

describe('a refusal that names roles', () => {
  it('names those that there are', () => {
    const error = new AuthError('BAD_USER_INPUT', { field: 'role', reason: 'UNKNOWN_ROLE', known: ['member', 'owner'] });
    expect(failureOf(error)).toMatchObject({ exitCode: 1, message: 'There is no such role: known are member, owner.' });
  });
});

describeStores('latchkey user list', (database) => {
  const environment = testEnvironment(database.url);
  let store: Store;
  const now = Date.now();
  const accounts = [
    anAccount({ email: 'ada@example.com', username: 'Countess', roles: ['user', 'admin'], createdAt: now - 1 }),
    anAccount({ email: 'adam@example.com', emailVerified: true, roles: ['user'], createdAt: now - 2 }),
    anAccount({ email: 'cy@example.com', disabled: { at: now, until: null, reason: 'x' }, roles: ['user'], createdAt: now - 3 }),
    anAccount({ email: 'di@example.com', disabled: { at: now - 2, until: now - 1, reason: 'x' }, roles: [], createdAt: now - 4 }),
  ];
  beforeAll(async () => {
    store = await database.open();
    for (const account of accounts) await store.createAccount(account);
  });

  it.each([
    [
      ['--search', 'ADA'],
      ['ada', 'adam'],
    ],
    [['--role', 'admin'], ['ada']],
    [['--disabled'], ['cy']],
    [
      ['--enabled', '--unverified'],
      ['ada', 'di'],
    ],
    [['--verified'], ['adam']],
  ])('with %j prints those that fit, newest first', async (args, names) => {
    const { users, next } = await latchkeyJson(['user', 'list', ...args], environment);
    expect({ names: users.map(({ email }: { email: string }) => email.split('@')[0]), next }).toEqual({ names, next: null });
  });

  it('goes on where a page ended', async () => {
    const first = await latchkeyJson(['user', 'list', '--limit', '3'], environment);
    const second = await latchkeyJson(['user', 'list', '--limit', '3', '--after', first.next], environment);
    const emails = [...first.users, ...second.users].map(({ email }) => email);
    expect({ emails, next: second.next }).toEqual({ emails: accounts.map(({ email }) => email), next: null });
  });

  it('prints columns to people, and says when nothing was found', async () => {
    const { code, stdout, stderr } = await latchkey(['user', 'list', '--limit', '2'], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^EMAIL +USERNAME +ROLES +VERIFIED +DISABLED +CREATED +LAST LOGIN +ID$/);
    expect(rows[0]?.indexOf('user,admin')).toBe(head.indexOf('ROLES'));
    expect(rows[2]).toMatch(/^More: --after \S+$/);
    expect(await latchkey(['user', 'list', '--search', 'nobody'], environment)).toEqual({
      code: 1,
      stdout: 'No account fits.\n',
      stderr: '',
    });
  });
});

describe('a password', () => {
  it('is in no argument, output or error, whatever becomes of it', async () => {
    const environment = testEnvironment('sqlite::memory:');
    const secret = 'correct horse 4711 battery';
    for (const args of [
      [anEmail()],
      ['no address'],
      [anEmail(), '--json'],
      [anEmail(), `--password=${secret}`],
      [anEmail(), '--password', secret],
    ]) {
      const { stdout, stderr } = await latchkey(['user', 'create', ...args], environment, `${secret}\n`);
      expect(stdout + stderr).not.toMatch(/horse|battery/);
      expect(stdout + stderr).not.toBe('');
    }
  });

  it.each(['', '\n', '\r\nsecond line'])('must be the first line of the input, and not %j', async (text) => {
    const { code, stderr } = await latchkey(['user', 'create', anEmail()], testEnvironment('sqlite::memory:'), text);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'The password must be the first line of standard input.\n' });
  });
});
