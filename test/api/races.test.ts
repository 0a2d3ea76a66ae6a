import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { startProcess } from '../support/processes.js';
import { codeOf, extensionsOf, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer, testEnvironment } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

let people = 0;
async function signUp(url: string) {
  people += 1;
  const email = `racer${people}@example.com`;
  const { data } = await post(url, signupMutation, { input: { email, password: goodPassword } });
  const { user, session, accessToken, refreshToken } = data.signup.auth;
  return {
    email,
    accountId: user.id as string,
    sessionId: session.id as string,
    accessToken: accessToken as string,
    refreshToken: refreshToken as string,
  };
}
const refresh = (url: string, token: string) => post(url, refreshMutation, { token });

describeStores('Many at once', (database) => {
  let server: TestServer;
  let store: Store;
  beforeAll(async () => {
    server = await startServer(database.url);
    store = await database.open();
  });

  it('40 refreshes of one token get 40 answers with one and the same successor', async () => {
    const client = await signUp(server.url);
    const answers = await times(40, () => refresh(server.url, client.refreshToken));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    expect(new Set(answers.map(({ data }) => data.refreshToken.refreshToken)).size).toBe(1);
    expect((await store.findSession(client.sessionId))?.generation).toBe(1);
  });

  it('100 sign-ups of one address make exactly one account', async () => {
    const answers = await times(100, (index) =>
      post(server.url, signupMutation, {
        input: { email: index % 2 === 0 ? 'One@example.com' : ' one@EXAMPLE.com', password: goodPassword },
      }),
    );
    const winners = answers.filter(({ errors }) => errors.length === 0);
    expect(winners).toHaveLength(1);
    const codes = new Set(answers.filter((answer) => !winners.includes(answer)).map(codeOf));
    expect([...codes].every((code) => code === 'EMAIL_TAKEN' || code === 'RATE_LIMITED')).toBe(true);
    expect((await store.findAccountByEmail('one@example.com'))?.id).toBe(winners[0]?.data.signup.auth.user.id);
  });

  it('16 sign-ins of one person all succeed, each with a session and a number of its own', async () => {
    const { email, accountId } = await signUp(server.url);
    const answers = await times(16, () => post(server.url, loginMutation, { input: { login: email, password: goodPassword } }));
    expect(new Set(answers.map(({ data }) => data.login.session.id)).size).toBe(16);
    expect((await store.findAccount(accountId))?.signInCount).toBe(17);
  });

  it('a refresh that begins after a revoke is acknowledged mints nothing, and one before it leaves nothing alive', async () => {
    let minted = 0;
    for (let round = 0; round < 25; round += 1) {
      const client = await signUp(server.url);
      let isAcknowledged = false;
      const revoke = (async () => {
        await new Promise((resolve) => setTimeout(resolve, round % 8));
        await post(
          server.url,
          'mutation ($id: ID!) { revokeSession(id: $id) { state } }',
          { id: client.sessionId },
          { token: client.accessToken },
        );
        isAcknowledged = true;
      })();
      const racers = times(4, async (index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 2));
        const wasAcknowledged = isAcknowledged;
        const answer = await refresh(server.url, client.refreshToken);
        if (wasAcknowledged) expect(codeOf(answer)).toBe('SESSION_REVOKED');
        return answer;
      });
      const [answers] = await Promise.all([racers, revoke]);
      expect(codeOf(await refresh(server.url, client.refreshToken))).toBe('SESSION_REVOKED');
      for (const { data } of answers.filter(({ errors }) => errors.length === 0)) {
        minted += 1;
        expect(extensionsOf(await post(server.url, meQuery, {}, { token: data.refreshToken.accessToken }))).toMatchObject({
          reason: 'REVOKED',
        });
      }
    }
    process.stdout.write(`refresh against revoke (${database.kind}): ${minted} of 100 refreshes came first\n`);
  });

  it('a sign-in racing with "end all" either came after it or is dead', async () => {
    const { email, accountId, accessToken } = await signUp(server.url);
    let token = accessToken;
    for (let round = 0; round < 10; round += 1) {
      const [ended, ...signIns] = await Promise.all([
        post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token }),
        ...Array.from({ length: 4 }, () => post(server.url, loginMutation, { input: { login: email, password: goodPassword } })),
      ]);
      expect(ended.errors).toEqual([]);
      const account = await store.findAccount(accountId);
      for (const { data } of signIns) {
        const session = await store.findSession(data.login.session.id);
        const alive = await post(server.url, meQuery, {}, { token: data.login.accessToken });
        expect(alive.errors.length === 0).toBe(session?.epoch === account?.sessionEpoch);
      }
      const next = await post(server.url, loginMutation, { input: { login: email, password: goodPassword } });
      token = next.data.login.accessToken;
    }
  });

  it('a sign-in with the old password that races with a password change does not survive it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { email, accountId } = await signUp(server.url);
      const hash = (await store.findAccount(accountId))?.passwordHash ?? '';
      const at = server.app.services.now();
      const [changed, ...signIns] = await Promise.all([
        store.changePassword(accountId, hash, `${hash.slice(0, -4)}abcd`, { at, reason: 'PASSWORD_CHANGED', by: accountId, kept: null }),
        ...Array.from({ length: 3 }, () => post(server.url, loginMutation, { input: { login: email, password: goodPassword } })),
      ]);
      expect(changed).not.toBeNull();
      for (const answer of signIns) {
        if (answer.errors.length > 0) expect(codeOf(answer)).toBe('INVALID_CREDENTIALS');
        else expect(codeOf(await post(server.url, meQuery, {}, { token: answer.data.login.accessToken }))).toBe('UNAUTHENTICATED');
      }
    }
  });

  it('two "end all but this" of two sessions leave at most one of them', async () => {
    for (let round = 0; round < 10; round += 1) {
      const one = await signUp(server.url);
      const { data } = await post(server.url, loginMutation, { input: { login: one.email, password: goodPassword } });
      const tokens = [one.accessToken, data.login.accessToken as string];
      await Promise.all(tokens.map((token) => post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token })));
      const alive = await Promise.all(tokens.map((token) => post(server.url, meQuery, {}, { token })));
      expect(alive.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    }
  });
});

describeStores('Two processes on one store', (database) => {
  it('give many refreshes of one token at once one and the same successor, and learn of each other’s revocations within 2 s', async () => {
    // On two machines that start at the same instant: both make keys and indexes.
    const environment = { ...testEnvironment(database.url), LOG_LEVEL: 'info' };
    const [one, other] = await Promise.all([startProcess(environment), startProcess(environment)]);
    const client = await signUp(one.url);
    // As many as the server that stands in for MongoDB here serves in time.
    const answers = await times(database.kind === 'sqlite' ? 40 : 16, (index) =>
      refresh(index % 2 === 0 ? one.url : other.url, client.refreshToken),
    );
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    const successors = new Set(answers.map(({ data }) => data.refreshToken.refreshToken));
    expect(successors.size).toBe(1);
    const { accessToken } = answers[1]?.data.refreshToken ?? {};
    expect((await post(one.url, meQuery, {}, { token: accessToken })).errors).toEqual([]);
    await post(one.url, 'mutation { logout }', {}, { token: accessToken });
    const sinceAcknowledged = stopwatch();
    let answer = await post(other.url, meQuery, {}, { token: accessToken });
    while (answer.errors.length === 0 && sinceAcknowledged() < 2_000) {
      answer = await post(other.url, meQuery, {}, { token: accessToken });
    }
    expect(extensionsOf(answer)).toMatchObject({ reason: 'REVOKED' });
    expect(codeOf(await refresh(other.url, [...successors][0] ?? ''))).toBe('SESSION_REVOKED');
  });
});

describe('A cost that fills the queue', () => {
  it('lets one of 100 parallel sign-ups through, and tells the others EMAIL_TAKEN or RATE_LIMITED', async () => {
    const server = await startServer('sqlite::memory:', { LATCHKEY_BCRYPT_COST: '12' });
    const answers = await times(100, () =>
      post(server.url, signupMutation, { input: { email: 'busy@example.com', password: goodPassword } }),
    );
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    const refusals = answers.filter(({ errors }) => errors.length > 0).map(extensionsOf);
    expect(refusals.every(({ code }) => code === 'EMAIL_TAKEN' || code === 'RATE_LIMITED')).toBe(true);
    const limited = refusals.filter(({ code }) => code === 'RATE_LIMITED');
    expect(limited.length).toBeGreaterThan(0);
    expect(limited.every(({ retryAfter }) => Number.isInteger(retryAfter) && Number(retryAfter) >= 1)).toBe(true);
  });
});
