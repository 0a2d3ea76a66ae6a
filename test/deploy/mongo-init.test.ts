import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { freePort, type MongoProgram, MongoServer, privateMongoProgram } from '../support/mongo-server.js';
import { runToEnd, startProcess } from '../support/processes.js';
import { loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, temporaryFolder, testEnvironment } from '../support/server.js';

const folder = temporaryFolder();
const newPassword = (): string => randomBytes(12).toString('hex');
const rootPassword = newPassword();
const fileWith = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
};

/** A server that asks for a password, and knows that of `root`: as its image leaves it. */
async function startGuarded(program: MongoProgram): Promise<MongoServer> {
  const data = temporaryFolder();
  const port = await freePort();
  const open = new MongoServer(program, port, data, false);
  await open.start();
  const client = new mongo.MongoClient(open.url);
  await client.db('admin').command({ createUser: 'root', pwd: rootPassword, roles: ['root'] });
  await client.close();
  await open.kill('SIGTERM');
  const keyFile = fileWith('keyfile', randomBytes(96).toString('base64'));
  const guarded = new MongoServer(program, port, data, false, program.kind === 'mongod' ? ['--keyFile', keyFile] : ['--auth']);
  await guarded.start();
  return guarded;
}

const program = privateMongoProgram();
const describeGuarded = program === null ? describe.skip : describe;

describeGuarded('deploy/mongo-init.mjs', () => {
  let server: MongoServer;
  const rootPasswordFile = fileWith('root', rootPassword);
  const storeUrl = (password: string) => `mongodb://latchkey:${password}@127.0.0.1:${server.port}/latchkey?directConnection=true`;

  beforeAll(async () => {
    if (program !== null) server = await startGuarded(program);
  }, 300_000);
  afterAll(() => server?.remove());

  const initialize = (password: string) => {
    const parameters = [`mongodb://127.0.0.1:${server.port}/`, rootPasswordFile, fileWith('store_url', storeUrl(password))];
    const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('deploy/mongo-init.mjs'), ...parameters], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };
  const withClient = async <T>(password: string, use: (client: mongo.MongoClient) => Promise<T>): Promise<T> => {
    const client = new mongo.MongoClient(storeUrl(password));
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };

  it('makes an account with which a server can do all its work', async () => {
    const password = newPassword();
    const { status, output } = initialize(password);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('made the account latchkey on latchkey') });
    expect(output).not.toContain(password);
    const environment = testEnvironment(`${storeUrl(password)}&timeoutMS=15000`);
    const latchkey = await startProcess(environment);
    const person = { email: 'ada@example.com', password: goodPassword };
    const { accessToken, refreshToken } = (await post(latchkey.url, signupMutation, { input: person })).data.signup.auth;
    const login = { login: person.email, password: person.password };
    const answers = [
      await post(latchkey.url, meQuery, {}, { token: accessToken }),
      await post(latchkey.url, refreshMutation, { token: refreshToken }),
      await post(latchkey.url, loginMutation, { input: login }),
      await post(latchkey.url, '{ me { sessions { totalCount nodes { id } } } }', {}, { token: accessToken }),
      await post(latchkey.url, 'mutation { logout }', {}, { token: accessToken }),
    ];
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    for (const line of [`user grant ${person.email} admin`, 'sessions list', 'keys rotate', 'keys rewrap --yes', 'purge', 'doctor --fix']) {
      expect({ line, ...(await runToEnd('cli/latchkey.js', line.split(' '), environment)) }).toMatchObject({ line, code: 0, stderr: '' });
    }
    expect((await fetch(latchkey.url.replace('/graphql', '/readyz'))).status).toBe(200);
    expect(await latchkey.end('SIGTERM')).toBe(0);
  }, 300_000);

  it('grants nothing beyond that database, and nothing that destroys', async () => {
    const password = newPassword();
    initialize(password);
    const refused: readonly (readonly [string, mongo.Document])[] = [
      ['latchkey', { drop: 'accounts' }],
      ['latchkey', { dropDatabase: 1 }],
      ['latchkey', { createUser: 'eve', pwd: 'eve', roles: ['latchkeyServer'] }],
      ['other', { find: 'accounts' }],
      ['admin', { usersInfo: 1 }],
    ];
    const outcomes = await withClient(password, (client) =>
      Promise.all(
        refused.map(([database, command]) =>
          client
            .db(database)
            .command(command)
            .then(
              () => 'allowed',
              (error: { codeName?: string }) => error.codeName,
            ),
        ),
      ),
    );
    expect(outcomes).toEqual(refused.map(() => 'Unauthorized'));
  });

  it('may be repeated, and sets the password to that of the store URL', async () => {
    const [old, present] = [newPassword(), newPassword()];
    initialize(old);
    expect(initialize(present)).toEqual({ status: 0, output: 'renewed the account latchkey on latchkey\n' });
    const ping = (client: mongo.MongoClient) => client.db().collection('keys').countDocuments();
    await expect(withClient(old, ping)).rejects.toThrow(/auth/i);
    await expect(withClient(present, ping)).resolves.toBeGreaterThanOrEqual(0);
  });

  it('fails, and says no password, when the store URL names no account', () => {
    const { status, output } = initialize('');
    expect(status).not.toBe(0);
    expect(output).toContain('the store URL names no user, password or database');
    expect(output).not.toContain(rootPassword);
  });
});
