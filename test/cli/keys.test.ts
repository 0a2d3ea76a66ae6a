import { expect, it, jest } from '@jest/globals';
import { latchkey, latchkeyJson, startProcess } from '../support/processes.js';
import { codeOf, get, meQuery, post, signupMutation } from '../support/requests.js';
import { goodPassword, testEnvironment, testSecret } from '../support/server.js';
import { describeStores } from '../support/stores.js';

/** Each command is a process of its own, which takes its time to start on a busy machine. */
jest.setTimeout(120_000);

describeStores('latchkey keys', (database) => {
  const environment = testEnvironment(database.url);
  const signing = async (): Promise<{ kid: string; state: string }[]> => {
    const { keys } = await latchkeyJson(['keys', 'list'], environment);
    return keys.filter(({ purpose }: { purpose: string }) => purpose === 'signing');
  };

  it('lists every key and none of their material', async () => {
    const { keys } = await latchkeyJson(['keys', 'list'], environment);
    expect(keys.map(({ purpose, state }: Record<string, string>) => [purpose, state])).toEqual([
      ['blinding', 'current'],
      ['outbox', 'current'],
      ['pepper', 'current'],
      ['refresh-mac', 'current'],
      ['signing', 'signing'],
    ]);
    expect(Object.keys(keys[3])).toEqual(['kid', 'purpose', 'algorithm', 'state', 'createdAt', 'activatesAt', 'revokedAt']);
  });

  it('makes one next key, whoever else is told at once', async () => {
    const both = await Promise.all([1, 2].map(() => latchkeyJson(['keys', 'rotate'], environment)));
    expect(both.map(({ made }) => made).sort()).toEqual([false, true]);
    expect(both[0].key.kid).toBe(both[1].key.kid);
    expect((await signing()).map(({ state }) => state)).toEqual(['signing', 'next']);
  });

  it('revokes the key that signs: a server that starts refuses its tokens, and signs with the successor', async () => {
    const before = await startProcess(environment);
    const input = { input: { email: 'ada@example.com', password: goodPassword } };
    const { data } = await post(before.url, signupMutation, input);
    const token: string = data.signup.auth.accessToken;
    await before.end('SIGTERM');
    const kid = (await signing()).find(({ state }) => state === 'signing')?.kid ?? '';
    const result = await latchkeyJson(['keys', 'revoke', kid], environment);
    expect(result).toMatchObject({ revoked: true, key: { kid, state: 'revoked' }, successor: { state: 'signing' } });
    expect(await latchkeyJson(['keys', 'revoke', kid], environment)).toMatchObject({ revoked: false, successor: null });
    const after = await startProcess(environment);
    expect(codeOf(await post(after.url, meQuery, {}, { token }))).toBe('UNAUTHENTICATED');
    const published = JSON.parse((await get(after.url.replace('/graphql', '/.well-known/jwks.json'))).text);
    expect(published.keys.map((key: { kid: string }) => key.kid)).not.toContain(kid);
  });

  it('revokes only signing keys, and only those that there are', async () => {
    const { keys } = await latchkeyJson(['keys', 'list'], environment);
    const pepper = await latchkey(['keys', 'revoke', keys[0].kid], environment);
    expect(pepper).toEqual({ code: 1, stdout: '', stderr: 'Only signing keys can be revoked.\n' });
    const unknown = await latchkey(['keys', 'revoke', 'unknown'], environment);
    expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'There is no key with this id.\n' });
  });

  it('takes a replaced secret from the keys, once it is told yes', async () => {
    const secret = 'another secret: 0123456789 abcdefghijk';
    const both = { ...environment, LATCHKEY_SECRET: secret, LATCHKEY_PREVIOUS_SECRETS: testSecret };
    const replaced = { ...environment, LATCHKEY_SECRET: secret };
    await latchkeyJson(['keys', 'list'], both);
    const tried = await latchkeyJson(['keys', 'rewrap'], replaced);
    expect(tried).toMatchObject({ dryRun: true, added: 0, removed: tried.keys, contested: 0 });
    expect((await latchkey(['keys', 'list'], environment)).code).toBe(0);
    expect(await latchkeyJson(['keys', 'rewrap', '--yes'], replaced)).toEqual({ ...tried, dryRun: false });
    const { code, stdout, stderr } = await latchkey(['keys', 'rewrap', '--yes', '--json'], environment);
    expect({ code, stdout, error: JSON.parse(stderr).error.code }).toEqual({ code: 3, stdout: '', error: 'KEYS_SEALED' });
    expect((await latchkey(['keys', 'list'], replaced)).code).toBe(0);
  });
});
