import { beforeAll, describe, expect, it } from '@jest/globals';
import { accountQuotas } from '../../src/auth/throttle-limits.js';
import { withoutTimeout } from '../../src/store/mongo/guard.js';
import { openStore } from '../../src/store/open.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { metricsToken, samplesOf, scrape } from '../metrics/scrape.js';
import { storeWith } from '../support/factories.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { type ServerProcess, startProcess } from '../support/processes.js';
import {
  codeOf,
  extensionsOf,
  type GraphQLAnswer,
  loginMutation,
  meQuery,
  post,
  refreshMutation,
  signupMutation,
} from '../support/requests.js';
import { goodPassword, startServer, type TestServer, testEnvironment } from '../support/server.js';
import { describeStores, sqlitePath } from '../support/stores.js';

const on = { LATCHKEY_THROTTLE: 'on', LATCHKEY_METRICS_TOKEN: metricsToken, LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' };
const from = (address: string) => ({ 'x-forwarded-for': address });
const guess = (url: string, login: string, address = '192.0.2.1', password = 'a wrong password') =>
  post(url, loginMutation, { input: { login, password } }, { headers: from(address) });
/** Bodies without what differs from request to request, and from one second to the next. */
const bodyOf = ({ text }: { readonly text: string }) => text.replace(/"requestId":"[^"]*"/, '').replace(/"retryAfter":\d+/, '"retryAfter"');

/** Wrong passwords until the next delay is 64 s, so that a slow machine does not outlast it; the answers. */
async function wearOut(server: TestServer, login: string, addressOf: (nth: number) => string): Promise<GraphQLAnswer[]> {
  const answers: GraphQLAnswer[] = [];
  for (let nth = 0; nth < 11; nth += 1) {
    if (nth >= 5) server.advanceClock(1_000 * 2 ** (nth - 5));
    answers.push(await guess(server.url, login, addressOf(nth)));
  }
  return answers;
}

/** Signs in, as often as a busy machine asks for. */
async function signInPatiently(url: string, person: Person, address: string): Promise<unknown[]> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const { errors } = await signIn(url, person, from(address));
    if (errors.length === 0 || performance.now() > giveUpAt) return [...errors];
    expect(errors).toEqual([expect.objectContaining({ extensions: expect.objectContaining({ code: expect.stringMatching(putOff) }) })]);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
const putOff = /^(RATE_LIMITED|SERVICE_UNAVAILABLE)$/;

/** The passwords that this process has hashed or compared. */
async function hashesOf(server: Pick<TestServer, 'url'>): Promise<number> {
  return samplesOf(await scrape(server), 'latchkey_password_hash_duration_seconds_count')[''] ?? 0;
}

/** How many of an account's passwords may be evaluated within so long: some at once, then one for each delay. */
function mostWithin(elapsedMs: number, free: number): number {
  for (let [extra, passed] = [0, 0]; ; extra += 1) {
    passed += 1_000 * 2 ** extra;
    if (passed > elapsedMs) return free + extra;
  }
}

describeStores('A server', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url, on);
  });

  it('answers like this to whoever guesses, and to the owner who made a mistake', async () => {
    const person = await aPerson(server.url, from('198.51.100.1'));
    const answers = await wearOut(server, person.email, () => '192.0.2.1');
    expect(answers.map(codeOf)).toEqual(Array.from({ length: 11 }, () => 'INVALID_CREDENTIALS'));
    const before = await hashesOf(server);
    for (const login of [person.email, person.username, ` ${person.email.toUpperCase()} `]) {
      const { code, retryAfter } = extensionsOf(await guess(server.url, login, '192.0.2.1', goodPassword));
      expect([code, Number(retryAfter) >= 1 && Number(retryAfter) <= 64]).toEqual(['RATE_LIMITED', true]);
    }
    expect(await hashesOf(server)).toBe(before);
    expect(codeOf(await guess(server.url, person.email, '192.0.2.99'))).toBe('RATE_LIMITED');
    expect((await signIn(server.url, person, from('198.51.100.200'))).errors).toEqual([]);
    server.advanceClock(64_000);
    expect((await guess(server.url, person.email, '192.0.2.1', goodPassword)).errors).toEqual([]);
    expect(codeOf(await guess(server.url, person.email))).toBe('INVALID_CREDENTIALS');
    const counts = samplesOf(await scrape(server), 'latchkey_throttled_total');
    expect(counts['{kind="password"}']).toBe(4);
    await server.app.services.audit.flush();
    const { rows } = await server.app.services.auditSearch.list(
      { userId: person.id, types: ['LOGIN_THROTTLED'] },
      { limit: 10, after: null },
    );
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(4);
  });

  it('answers guesses at a login that nobody has with the same bytes', async () => {
    const { email } = await aPerson(server.url, from('198.51.100.1'));
    const bodies = async (login: string, address: string) => {
      const answers = await wearOut(server, login, () => address);
      return [...answers, await guess(server.url, login, address)].map(bodyOf);
    };
    const known = await bodies(email, '203.0.113.1');
    expect(await bodies(`nobody.${email}`, '203.0.114.2')).toEqual(known);
    expect(new Set(known).size).toBe(2);
  });

  it('counts an IPv6 network as one', async () => {
    const { email } = await aPerson(server.url, from('198.51.100.1'));
    await wearOut(server, email, (nth) => `2001:db8:7:7:${nth}::1`);
    expect(codeOf(await guess(server.url, email, '2001:db8:7:7:ffff::'))).toBe('RATE_LIMITED');
    expect(codeOf(await guess(server.url, email, '2001:db8:7:8::1'))).toBe('INVALID_CREDENTIALS');
  });

  it('lets sixteen parallel sign-ins of one person in', async () => {
    const person = await aPerson(server.url, from('198.51.100.1'));
    const answers = await Promise.all(Array.from({ length: 16 }, () => signIn(server.url, person, from('203.0.113.9'))));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('tries no password of a document with many', async () => {
    const before = await hashesOf(server);
    const fields = Array.from({ length: 1_000 }, (_, nth) => `a${nth}: login(input: $input) { accessToken }`).join(' ');
    for (const some of [fields, fields.split(' a2:')[0]]) {
      const answer = await post(server.url, `mutation ($input: LoginInput!) { ${some} }`, {
        input: { login: 'x@example.com', password: 'x' },
      });
      expect(codeOf(answer)).toBe('QUERY_TOO_COMPLEX');
    }
    expect(await hashesOf(server)).toBe(before);
  });

  it('counts a password that is given again as one that is given', async () => {
    const { token, email } = await aPerson(server.url, from('198.51.100.1'));
    const again = (password: string) =>
      post(
        server.url,
        'mutation ($password: String!) { reauthenticate(password: $password) { tokenType } }',
        { password },
        { token, headers: from('192.0.2.7') },
      );
    for (let nth = 0; nth < 3; nth += 1) expect(codeOf(await again('a wrong password'))).toBe('INVALID_CREDENTIALS');
    // After three, two more are free; the rest are beyond their delays.
    const codes = (await wearOut(server, email, () => '192.0.2.7')).map(codeOf);
    expect(codes.slice(0, 2)).toEqual(['INVALID_CREDENTIALS', 'INVALID_CREDENTIALS']);
    expect(codeOf(await again(goodPassword))).toBe('RATE_LIMITED');
    server.advanceClock(900_000);
    expect((await again(goodPassword)).data.reauthenticate).toEqual({ tokenType: 'Bearer' });
  });
});

/** A thousand, so many at once: as many as the server that stands in for MongoDB here can count in time, for all want the same tally. */
async function inRounds(guessing: (nth: number) => Promise<GraphQLAnswer>, atOnce: number): Promise<GraphQLAnswer[]> {
  const answers: GraphQLAnswer[] = [];
  while (answers.length < 1_000) {
    const before = answers.length;
    answers.push(...(await Promise.all(Array.from({ length: atOnce }, (_, nth) => guessing(before + nth)))));
  }
  return answers;
}

describeStores('Three server processes', (database) => {
  let servers: ServerProcess[];
  const urlOf = (nth: number) => String(servers[nth % 3]?.url);
  const hashes = async () => (await Promise.all(servers.map(hashesOf))).reduce((sum, one) => sum + one, 0);
  beforeAll(async () => {
    // With the time that a call of the store has by default: an attempt under way counts as failed after 10 s, and must not take longer.
    const environment = { ...testEnvironment(withoutTimeout(database.url)), ...on, LOG_LEVEL: 'info' };
    const first = await startProcess(environment);
    servers = [first, ...(await Promise.all([startProcess(environment), startProcess(environment)]))];
  });

  it('evaluate no more of a thousand guesses from one network than the limit says', async () => {
    const person = await aPerson(urlOf(0), from('198.51.100.1'));
    const before = await hashes();
    const startedAt = performance.now();
    const answers = await inRounds(
      (nth) => guess(urlOf(nth), person.email, `192.0.2.${nth % 256}`),
      database.kind === 'sqlite' ? 1_000 : 50,
    );
    const evaluated = (await hashes()) - before;
    expect(evaluated).toBeGreaterThanOrEqual(1);
    expect(evaluated).toBeLessThanOrEqual(mostWithin(performance.now() - startedAt, 5));
    // A database that a thousand ask at once may not answer all of them in time.
    const wrong = answers.map(codeOf).filter((code) => !putOff.test(String(code)));
    expect(new Set(wrong)).toEqual(new Set(['INVALID_CREDENTIALS']));
    expect(wrong.length).toBeLessThanOrEqual(evaluated);
    expect(await signInPatiently(urlOf(1), person, '198.51.100.1')).toEqual([]);
  }, 240_000);

  it('evaluate no more of a thousand guesses from fifty networks, while the owner signs in from home', async () => {
    const person = await aPerson(urlOf(0), from('198.51.100.1'));
    const before = await hashes();
    const startedAt = performance.now();
    let [ended, home, unanswered] = [false, 0, 0];
    const owner = async () => {
      for (let nth = 0; !ended; nth += 1) {
        const answer = await signIn(urlOf(nth), person, from('198.51.100.1'));
        if (answer.errors.length === 0) home += 1;
        // The hashing queue of a busy machine may be full, and its database slow; no limit of the account's is in the way.
        else expect(codeOf(answer)).toMatch(putOff);
        if (answer.errors[0]?.extensions.code === 'SERVICE_UNAVAILABLE') unanswered += 1;
      }
    };
    const flood = async () => {
      const oneGuess = (nth: number) => guess(urlOf(nth), person.email, `10.0.${nth % 50}.${Math.floor(nth / 50)}`);
      const answers = await inRounds(oneGuess, database.kind === 'sqlite' ? 250 : 50);
      ended = true;
      return answers;
    };
    const [answers] = await Promise.all([flood(), owner()]);
    const evaluated = (await hashes()) - before - home;
    expect(home).toBeGreaterThan(0);
    expect(evaluated - unanswered).toBeLessThanOrEqual(mostWithin(performance.now() - startedAt, 100));
    const wrong = answers.filter((answer) => codeOf(answer) === 'INVALID_CREDENTIALS');
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.length).toBeLessThanOrEqual(evaluated);
    expect(await signInPatiently(urlOf(2), person, '198.51.100.1')).toEqual([]);
  }, 240_000);

  it('keep nobody out for long when one of them dies with passwords under way', async () => {
    const people = [await aPerson(urlOf(0), from('198.51.100.1')), await aPerson(urlOf(0), from('198.51.100.1'))];
    const dying = servers[2] as ServerProcess;
    const lost = people.flatMap(({ email }) => Array.from({ length: 8 }, () => guess(dying.url, email).catch(() => null)));
    await new Promise((resolve) => setImmediate(resolve));
    await dying.end('SIGKILL');
    await Promise.all(lost);
    for (const person of people) expect(await signInPatiently(urlOf(0), person, '192.0.2.1')).toEqual([]);
  }, 240_000);
});

describe('Where attempts cannot be counted', () => {
  let isDown = false;
  let server: TestServer;
  let person: Person;
  beforeAll(async () => {
    const url = `sqlite:${sqlitePath()}`;
    const open = async () => {
      const store = await openStore(url);
      const guard =
        <A extends unknown[], T>(verb: (...args: A) => Promise<T>) =>
        (...args: A): Promise<T> =>
          isDown ? Promise.reject(new StoreUnavailableError(new Error('down'))) : verb(...args);
      const verbs: Partial<Store> = {
        findTallies: guard((keys) => store.findTallies(keys)),
        replaceTally: guard((tally, stamp) => store.replaceTally(tally, stamp)),
      };
      return storeWith(store, verbs);
    };
    server = await startServer(url, on, open);
    person = await aPerson(server.url);
    isDown = true;
  });

  it('no password is tried, right or wrong, and no account made', async () => {
    const before = await hashesOf(server);
    for (const password of [goodPassword, 'a wrong password']) {
      for (const login of [person.email, 'nobody@example.com']) {
        expect(extensionsOf(await guess(server.url, login, '192.0.2.1', password))).toMatchObject({
          code: 'SERVICE_UNAVAILABLE',
          retryAfter: 1,
        });
      }
    }
    const input = { email: 'new@example.com', password: goodPassword };
    expect(codeOf(await post(server.url, signupMutation, { input }))).toBe('SERVICE_UNAVAILABLE');
    expect(await hashesOf(server)).toBe(before);
  });

  it('refreshes go on', async () => {
    let { refreshToken } = person;
    for (let nth = 0; nth < 120; nth += 1) {
      const answer = await post(server.url, refreshMutation, { token: refreshToken });
      expect(answer.errors).toEqual([]);
      refreshToken = answer.data.refreshToken.refreshToken;
    }
    expect((await post(server.url, meQuery, {}, { token: person.token })).data.me.id).toBe(person.id);
  });
});

describe('Refreshes', () => {
  it('beyond the limit of their network are put off, and their tokens stay good', async () => {
    const server = await startServer('sqlite::memory:', on);
    const { refreshToken } = await aPerson(server.url, from('198.51.100.1'));
    const { throttle } = server.app.services;
    const company = { ipAddress: '203.0.113.1' };
    for (let nth = 1; nth <= 30_100; nth += 1) {
      await throttle.network('refresh', company);
      if (nth % 100 === 0) await throttle.close();
    }
    const refresh = () => post(server.url, refreshMutation, { token: refreshToken }, { headers: from('203.0.113.200') });
    expect(extensionsOf(await refresh())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
    expect(codeOf(await post(server.url, refreshMutation, { token: 'none' }, { headers: from('203.0.113.1') }))).toBe(
      'REFRESH_TOKEN_INVALID',
    );
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_throttled_total')).toEqual({ '{kind="refresh"}': 1 });
    expect(samplesOf(text, 'latchkey_refreshes_total')).toEqual({ '{outcome="rate_limited"}': 1, '{outcome="invalid"}': 1 });
    server.advanceClock(600_000);
    expect((await refresh()).errors).toEqual([]);
  });
});

describe('Who is signed in', () => {
  it('can keep ending all other sessions for so long only, single ones and by a reset always', async () => {
    const server = await startServer('sqlite::memory:', on);
    const person = await aPerson(server.url);
    const end = () => post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: person.token });
    for (let nth = 0; nth < 30; nth += 1) expect((await end()).errors).toEqual([]);
    expect(extensionsOf(await end())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
    const { data } = await signIn(server.url, person);
    const one = 'mutation ($id: ID!) { revokeSession(id: $id) { state } }';
    expect((await post(server.url, one, { id: data.login.session.id }, { token: person.token })).errors).toEqual([]);
    expect((await post(server.url, 'mutation { logout }', {}, { token: person.token })).data).toEqual({ logout: true });
    expect(samplesOf(await scrape(server), 'latchkey_throttled_total')['{kind="end_all"}']).toBe(1);
  });
});

describe('Who has a session and not the password', () => {
  it('does not keep its owner from a new password by trying wrong ones', async () => {
    const server = await startServer('sqlite::memory:', on);
    const person = await aPerson(server.url, from('198.51.100.1'));
    const change = (currentPassword: string, address: string) =>
      post(
        server.url,
        'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { tokenType } }',
        { input: { currentPassword, newPassword: 'another good passphrase' } },
        { token: person.token, headers: from(address) },
      );
    for (let nth = 0; nth <= accountQuotas.password_change.limit; nth += 1) {
      expect(codeOf(await change('a wrong password', `10.0.${nth}.1`))).toBe('INVALID_CREDENTIALS');
    }
    expect((await change(goodPassword, '198.51.100.1')).data).toEqual({ changePassword: { tokenType: 'Bearer' } });
  });
});

describe('Sign-ups', () => {
  it('from one network are sixty an hour, whatever comes of them', async () => {
    const server = await startServer('sqlite::memory:', on);
    const codes: unknown[] = [];
    for (let nth = 0; nth < 61; nth += 1) {
      const input = { email: `person${Math.floor(nth / 2)}@example.com`, password: goodPassword };
      const answer = await post(server.url, signupMutation, { input }, { headers: from(`203.0.113.${nth}`) });
      codes.push(answer.errors.length === 0 ? 'OK' : codeOf(answer));
    }
    expect(codes.filter((code) => code === 'OK')).toHaveLength(30);
    expect(codes.filter((code) => code === 'EMAIL_TAKEN')).toHaveLength(30);
    expect(codes.at(-1)).toBe('RATE_LIMITED');
    const input = { email: 'elsewhere@example.com', password: goodPassword };
    expect((await post(server.url, signupMutation, { input }, { headers: from('198.51.100.1') })).errors).toEqual([]);
    server.advanceClock(3_600_000);
    const late = { email: 'later@example.com', password: goodPassword };
    expect((await post(server.url, signupMutation, { input: late }, { headers: from('203.0.113.1') })).errors).toEqual([]);
    expect(samplesOf(await scrape(server), 'latchkey_throttled_total')['{kind="signup"}']).toBe(1);
  });
});
