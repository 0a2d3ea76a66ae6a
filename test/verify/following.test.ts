import { afterEach, describe, expect, it } from '@jest/globals';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import {
  createVerifier,
  TokenRefusedError,
  type Verifier,
  type VerifierOptions,
  VerifierUnavailableError,
} from '../../src/verify/index.js';
import { KnownRevocations } from '../../src/verify/known-revocations.js';
import { aClock, aRoleBook, FakeTime, type Issuing, openIssuing, tokenConfig } from '../support/factories.js';
import { partsOf } from '../support/forging.js';
import { anAccount, aSession, day } from '../support/records.js';
import { stopwatch } from '../support/stalls.js';
import { aPage, PlayedServer, until } from './played-server.js';

const hour = 3_600_000;
const alive = { body: { active: true, roles: ['asked'], scope: 'a b' } };
const open = new Set<Verifier>();
afterEach(async () => {
  await Promise.all([...open].map((verifier) => verifier.close()));
  open.clear();
});

/** A server that says what the test wants, its tokens, and a verifier whose clocks the test moves. */
async function play(options: Partial<VerifierOptions> = {}) {
  const server = await PlayedServer.start();
  const time = new FakeTime(Date.now());
  const issuing: Issuing = await openIssuing('ES256', { time: new FakeTime(Date.now()) });
  server.keys = () => ({ body: issuing.keys.jwks() });
  const problems: unknown[] = [];
  const verifier = createVerifier(
    {
      issuer: tokenConfig.publicUrl,
      audience: tokenConfig.audience,
      serviceToken: 'service',
      url: server.url,
      onProblem: (error) => problems.push(error),
      ...options,
    },
    time,
  );
  open.add(verifier);
  const account = anAccount({ roles: ['user'], createdAt: Date.now() });
  const session = aSession({ accountId: account.id, createdAt: Date.now(), idleExpiresAt: Date.now() + day });
  const { token } = issuing.tokens.issue(account, session);
  return { server, time, issuing, verifier, problems, account, session, token };
}
const untilFresh = (verifier: Verifier) => until(() => verifier.state === 'feed', 'the feed is fresh');
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('A verifier and its server', () => {
  it('begins with introspection, and follows the feed as soon as its last page is there', async () => {
    const { server, verifier, token, session } = await play();
    server.introspection = () => alive;
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'introspection', roles: ['asked'], permissions: ['a', 'b'] });
    server.tell({ body: aPage({ complete: true, more: true, cursor: 'life.7' }) });
    await until(() => server.countAsked('/revocations') === 2, 'the next page is asked for');
    expect(server.asked.at(-1)).toContain('after=life.7');
    expect(verifier.state).toBe('introspection');
    server.tell({ body: aPage({ sessions: [{ sid: session.id, at: 12.5, reason: 'LOGOUT', exp: Date.now() / 1000 + 3_800 }] }) });
    await untilFresh(verifier);
    const error = await failure(verifier.verify(token));
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect(error).toMatchObject({ reason: 'REVOKED', revocationReason: 'LOGOUT', at: 12.5 });
    expect(server.countAsked('/introspect')).toBe(1);
  });

  it('asks nobody for a token that is forged', async () => {
    const { server, verifier, token } = await play();
    await expect(verifier.verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toMatchObject({ reason: 'INVALID' });
    expect(server.countAsked('/introspect')).toBe(0);
  });

  it('waits a second between two whole sets, for nodes that take turns', async () => {
    const { server, verifier } = await play();
    const begun = performance.now();
    server.tell({ body: aPage({ complete: true }) });
    await untilFresh(verifier);
    server.tell({ body: aPage({ complete: true }) });
    await until(() => server.countAsked('/revocations') === 2, 'asked again');
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  it('goes back to introspection when nothing was told for too long, and recovers by itself', async () => {
    const { server, verifier, time, token } = await play({ staleAfterSeconds: 9 });
    server.introspection = () => alive;
    server.tell({ body: aPage({ complete: true }) });
    await untilFresh(verifier);
    await until(() => server.countAsked('/revocations') === 2, 'asked again');
    expect(server.asked.at(-1)).toContain('wait=3');
    time.move(8_999);
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'feed', roles: ['user'] });
    time.move(1);
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'introspection' });
    // What was asked for before says nothing of what has been since.
    server.tell({ body: aPage() });
    await until(() => server.countAsked('/revocations') === 3, 'asked once more');
    expect(verifier.state).toBe('introspection');
    server.tell({ body: aPage() });
    await untilFresh(verifier);
  });

  it.each([
    ['a machine that slept: only the wall clock went on', (time: FakeTime) => time.leap(15_000)],
    [
      'a wall clock that was set back',
      (time: FakeTime) => {
        time.move(15_000);
        time.leap(-hour);
      },
    ],
  ])('does not trust its knowledge after %s', async (_what, change) => {
    const { server, verifier, time } = await play();
    server.tell({ body: aPage({ complete: true }) });
    await untilFresh(verifier);
    change(time);
    expect(verifier.state).toBe('introspection');
  });

  it.each([
    ['no JSON', 'a page of a proxy'],
    ['no object', []],
    ['a session without an id', aPage({ complete: true, sessions: [{ at: 1, reason: 'LOGOUT', exp: 1 } as never] })],
    ['an account without an epoch', aPage({ complete: true, accounts: [{ sub: 'a', ver: 1, roles: [], scope: '' } as never] })],
    ['no cursor', aPage({ complete: true, cursor: undefined as never })],
    ['no lifetime', aPage({ complete: true, ttl: undefined as never })],
  ])('takes nothing for a page of the feed that is %s, says so, and asks again', async (_what, body) => {
    const { server, verifier, problems } = await play();
    server.tell({ body });
    await until(() => problems.length === 1, 'the problem is told');
    await until(() => server.countAsked('/revocations') === 2, 'asked again');
    expect(verifier.state).toBe('introspection');
    server.tell({ body: aPage({ complete: true }) });
    await untilFresh(verifier);
  });

  it.each([
    ['an error', { status: 503, body: {} }],
    ['a refusal of the service token', { status: 401, body: {} }],
    ['no introspection', { body: { active: true } }],
    ['no JSON', { body: '<html>' }],
  ] as const)('cannot say when neither answers: introspection has %s', async (_what, answer) => {
    const { server, verifier, token } = await play();
    server.introspection = () => answer;
    const error = await failure(verifier.verify(token));
    expect(error).toBeInstanceOf(VerifierUnavailableError);
    expect((error as Error).cause).toHaveProperty('message', expect.any(String));
    expect(JSON.stringify([`${error}`, `${(error as Error).cause}`])).not.toContain(token.slice(-20));
  });

  it('takes its service token nowhere else: a redirect is no answer', async () => {
    const [{ server, verifier, token }, elsewhere] = [await play(), await PlayedServer.start()];
    elsewhere.introspection = () => alive;
    server.introspection = () => ({ status: 307, body: {}, headers: { location: `${elsewhere.url}/introspect` } });
    server.tell({ status: 307, body: {}, headers: { location: `${elsewhere.url}/revocations` } });
    await expect(verifier.verify(token)).rejects.toThrow(VerifierUnavailableError);
    await until(() => server.countAsked('/revocations') === 2, 'asked again');
    expect(elsewhere.asked).toEqual([]);
  });

  it('says within 3 s that it cannot say, and for a second lets nobody ask a server that does not answer', async () => {
    const { server, verifier, token, time } = await play();
    await until(() => server.countAsked('/.well-known') === 1, 'the keys are asked for');
    server.introspection = () => 'hang';
    const sinceQuestion = stopwatch();
    await expect(verifier.verify(token)).rejects.toThrow(VerifierUnavailableError);
    expect(sinceQuestion()).toBeLessThan(10_000);
    server.introspection = () => alive;
    await expect(verifier.verify(token)).rejects.toThrow(VerifierUnavailableError);
    expect(server.countAsked('/introspect')).toBe(1);
    time.move(1_000);
    expect(await verifier.verify(token)).toMatchObject({ roles: ['asked'] });
  });

  it('needs no more of a slow clock than the server has: revocations that are forgotten concern tokens that it refuses', async () => {
    const { server, verifier, time, token, issuing, account, session } = await play();
    time.leap(-hour);
    server.introspection = () => alive;
    // Nobody has told the time yet: a token of an hour later is not of this world.
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'INVALID' });
    server.tell({ body: aPage({ complete: true }) });
    await untilFresh(verifier);
    expect(await verifier.verify(token)).toMatchObject({ sid: session.id });
    const anHourAgo = aClock(new FakeTime(Date.now() - hour - 60_000));
    const before = new AccessTokens({ keys: issuing.keys, clock: anHourAgo, roles: aRoleBook(), config: tokenConfig, random: () => 0 });
    const expired = before.issue(account, session).token;
    await expect(verifier.verify(expired)).rejects.toMatchObject({ reason: 'EXPIRED' });
  });

  it('refuses tokens that are older than the server now lets them be', async () => {
    const { server, verifier, token, time } = await play();
    server.tell({ body: aPage({ complete: true, ttl: 60 }) });
    await untilFresh(verifier);
    const { iat } = partsOf(token).claims as { iat: number };
    expect(await verifier.verify(token)).toMatchObject({ exp: iat + 60 });
    time.leap(91_000);
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'EXPIRED' });
  });

  it('says nothing after it was closed, and asks for nothing', async () => {
    const { server, verifier, token } = await play();
    server.tell({ body: aPage({ complete: true }) });
    await verifier.ready();
    await verifier.close();
    await verifier.close();
    const asked = server.asked.length;
    await expect(verifier.verify(token)).rejects.toThrow(VerifierUnavailableError);
    await expect(verifier.ready()).rejects.toThrow(VerifierUnavailableError);
    expect(server.asked).toHaveLength(asked);
  });

  it('is not ready while the feed is silent, and says so when the time is over', async () => {
    const { verifier, time } = await play();
    const waiting = failure(verifier.ready({ timeoutSeconds: 5 }));
    time.move(5_000);
    expect(await waiting).toMatchObject({
      name: 'VerifierUnavailableError',
      cause: { message: expect.stringMatching(/is not there in time$/) },
    });
  });

  it('without a service token asks for keys alone, and accepts what is signed', async () => {
    const { server, verifier, token } = await play({ serviceToken: null });
    await verifier.ready();
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'signature', roles: ['user'] });
    expect(new Set(server.asked)).toEqual(new Set(['/.well-known/jwks.json']));
  });
});

describe('The keys', () => {
  it('are asked for again for an unknown kid, but at most once in 5 s', async () => {
    const { server, verifier, issuing, account, session } = await play({ serviceToken: null });
    await verifier.ready();
    const loads = () => server.countAsked('/.well-known');
    expect(loads()).toBe(1);
    const stranger = await openIssuing('ES256', { time: new FakeTime(Date.now()) });
    const { token } = stranger.tokens.issue(account, session);
    for (let attempt = 0; attempt < 20; attempt += 1) await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'INVALID' });
    expect(loads()).toBeLessThanOrEqual(2);
    server.keys = () => ({ body: { keys: [...issuing.keys.jwks().keys, ...stranger.keys.jwks().keys] } });
    const accepted = () =>
      verifier.verify(token).then(
        () => true,
        () => false,
      );
    await until(accepted, 'the new key is known', 20_000);
  });

  it('cannot be known while nobody answers: neither yes nor no', async () => {
    const server = await PlayedServer.start();
    const { token } = await play();
    server.keys = () => ({ status: 500, body: {} });
    const problems: unknown[] = [];
    const options = { issuer: tokenConfig.publicUrl, audience: tokenConfig.audience, serviceToken: null, url: server.url };
    const verifier = createVerifier({ ...options, onProblem: (error) => problems.push(error) });
    open.add(verifier);
    await expect(verifier.verify(token)).rejects.toThrow(VerifierUnavailableError);
    await until(() => problems.length > 0, 'the problem is told');
  });
});

describe('Options', () => {
  const good = { issuer: 'https://auth.example.com', audience: 'https://api.example.com', serviceToken: null };
  it.each([
    ['no issuer', { issuer: '' }, 'issuer'],
    ['no audience', { audience: undefined as never }, 'audience'],
    ['a service token that is not set', { serviceToken: undefined as never }, 'serviceToken'],
    ['an empty service token', { serviceToken: '' }, 'serviceToken'],
    ['no address', { url: 'auth.example.com' }, 'url'],
    ['the address of a file', { url: 'file:///keys' }, 'url'],
    ['a symmetric algorithm', { algorithms: ['HS256' as never] }, 'algorithms'],
    ['no signature', { algorithms: ['none' as never] }, 'algorithms'],
    ['no algorithm', { algorithms: [] }, 'algorithms'],
    ['2 s', { staleAfterSeconds: 2 }, 'staleAfterSeconds'],
    ['91 s', { staleAfterSeconds: 91 }, 'staleAfterSeconds'],
    ['half a second', { staleAfterSeconds: 3.5 }, 'staleAfterSeconds'],
    ['no lifetime', { maxTokenAgeSeconds: 0 }, 'maxTokenAgeSeconds'],
  ])('cannot have %s', (_what, wrong, name) => {
    expect(() => createVerifier({ ...good, ...wrong })).toThrow(new RegExp(`^createVerifier: ${name} m`));
  });
});

describe('What is known', () => {
  const told = (sid: string, exp: number) => ({ sid, at: 0, reason: 'LOGOUT', exp });
  const account = { epoch: 1, kept_sid: null, roles: [], scope: '', disabled: null, at: null, reason: null };

  it("is forgotten at its end by the server's clock, so that memory is bounded by what can matter", () => {
    const known = new KnownRevocations();
    known.take({ as_of: 1_000, accounts: [], sessions: [told('one', 1_050), told('other', 2_000)] });
    known.take({ as_of: 1_059, accounts: [{ ...account, sub: 'a', ver: 1, exp: 1_060 }], sessions: [] });
    expect(known.size).toBe(3);
    known.take({ as_of: 1_061, accounts: [], sessions: [] });
    expect(known.size).toBe(1);
    known.take({ as_of: 2_001, accounts: [], sessions: [] });
    expect(known.size).toBe(0);
  });

  it('stays small however much is told', () => {
    const known = new KnownRevocations();
    let most = 0;
    for (let second = 1_000; second < 20_000; second += 10) {
      known.take({ as_of: second, accounts: [], sessions: [told(`${second}`, second + 300)] });
      most = Math.max(most, known.size);
    }
    expect(most).toBeGreaterThan(30);
    expect(most).toBeLessThan(40);
  });
});
