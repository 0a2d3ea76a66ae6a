import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import { endOf } from '../../src/auth/liveness.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import type { Ending } from '../../src/store/records.js';
import type { AccessTokenClaims } from '../../src/verify/claims.js';
import { KnownRevocations } from '../../src/verify/known-revocations.js';
import { aClock, aRoleBook, FakeTime, tokenConfig } from '../support/factories.js';
import { partsOf } from '../support/forging.js';
import { anAccount, aSession, day } from '../support/records.js';
import { allowedOrigin, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';
import { blocks } from './page.js';
import { askRevocations, introspect, type RevocationsPage, untilFeed, withServices } from './service.js';

interface Verdict {
  readonly alive: boolean;
  readonly reason?: string;
  readonly at?: number;
  readonly roles?: readonly string[];
  readonly scope?: string;
}

/** The algorithm as docs/services.md has it. */
interface Algorithm {
  take(page: RevocationsPage): void;
  judge(claims: AccessTokenClaims, now: number): Verdict;
}
const source = blocks('js')[0] ?? '';
const newAlgorithm = (): Algorithm => new Function(`${source}\nreturn { take, judge };`)() as Algorithm;
/** The one of `latchkey/verify`, which is held to the same. */
const newOwnAlgorithm = (): Algorithm => new KnownRevocations();

/** Follows one server, and knows nothing else of it than its pages and its keys. */
class Verifier {
  private algorithm: Algorithm;
  /** The whole set on its way, for the one that replaces what it has. */
  private next: Algorithm | null = null;
  private cursor: string | undefined;
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;

  constructor(
    private readonly url: string,
    private readonly onWholeSet: 'merge' | 'replace',
    private readonly begin: () => Algorithm = newAlgorithm,
  ) {
    this.algorithm = begin();
    this.keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url));
  }

  async follow(): Promise<void> {
    for (;;) {
      const page = await this.ask();
      if (page.complete && this.onWholeSet === 'replace') this.next = this.begin();
      (this.next ?? this.algorithm).take(page);
      this.cursor = page.cursor;
      if (page.more) continue;
      this.algorithm = this.next ?? this.algorithm;
      this.next = null;
      return;
    }
  }

  /** A node that cannot prove for a moment that it knows everything says so, and is asked again: what matters here is what it tells. */
  private async ask(): Promise<RevocationsPage> {
    const query = { after: this.cursor, wait: 0 };
    const giveUpAt = Date.now() + 30_000;
    for (;;) {
      const response = await askRevocations(this.url, query);
      if (response.status === 200) return (await response.json()) as RevocationsPage;
      if (response.status !== 503 || Date.now() > giveUpAt) throw new Error(`revocations: ${response.status} ${await response.text()}`);
      await delay(100);
    }
  }

  forgetCursor(): void {
    this.cursor = undefined;
  }

  async check(token: string): Promise<Verdict> {
    const options = { typ: 'at+jwt', issuer: allowedOrigin, audience: allowedOrigin, algorithms: ['ES256'] };
    const { payload } = await jwtVerify(token, this.keys, options);
    return this.algorithm.judge(payload as AccessTokenClaims, Date.now() / 1000);
  }
}

/** What the server's own check says, in the same words. */
async function verdictOf(server: TestServer, token: string): Promise<Verdict> {
  const viewer = await server.app.services.viewers.settle(token);
  if (viewer.kind === 'account') return { alive: true, roles: viewer.roles, scope: viewer.permissions.join(' ') };
  if (viewer.kind !== 'anonymous' || viewer.ended?.kind !== 'revoked') throw new Error(`the server says ${JSON.stringify(viewer)}`);
  return { alive: false, reason: viewer.ended.reason, at: viewer.ended.at / 1000 };
}

const sessionNumber = fc.nat({ max: 2 });
const roles = fc.subarray(['user', 'support', 'admin', 'unheard-of']);
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('token' as const), session: sessionNumber }), weight: 3 },
  fc.record({ kind: fc.constant('revoke' as const), session: sessionNumber }),
  fc.record({ kind: fc.constant('end' as const), session: sessionNumber, keeps: fc.boolean() }),
  fc.record({ kind: fc.constant('roles' as const), roles }),
  fc.record({ kind: fc.constant('disable' as const), forMs: fc.constantFrom(null, -1, -day, day) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describeStores('A verifier with nothing but the feed and the JWKS', (database) => {
  let server: TestServer;
  let store: Store;
  let tokens: AccessTokens;
  let verifiers: Verifier[];
  beforeAll(async () => {
    // The very store of the server, so that what is done to it has been told when its promise resolves.
    server = await startServer(database.url, withServices, async (url) => {
      store = await openStore(url);
      return store;
    });
    await untilFeed(server.url);
    const config = { ...tokenConfig, publicUrl: allowedOrigin, audience: allowedOrigin };
    tokens = new AccessTokens({
      keys: server.app.services.signingKeys,
      clock: aClock(new FakeTime(Date.now())),
      roles: aRoleBook(),
      config,
    });
    verifiers = [
      new Verifier(server.url, 'merge'),
      new Verifier(server.url, 'replace'),
      new Verifier(server.url, 'merge', newOwnAlgorithm),
    ];
  });

  const follow = () => Promise.all(verifiers.map((verifier) => verifier.follow()));

  /** An account with three sessions, and the access tokens that it has got. */
  async function begin() {
    const account = anAccount({ roles: ['user'], createdAt: Date.now() });
    await store.createAccount(account);
    const sessions = Array.from({ length: 3 }, () => aSession({ accountId: account.id, idleExpiresAt: Date.now() + day }));
    for (const session of sessions) await store.createSession(session);
    return { id: account.id, sessionIds: sessions.map(({ id }) => id), issued: [] as string[] };
  }
  type Life = Awaited<ReturnType<typeof begin>>;

  async function take(one: Step, { id, sessionIds, issued }: Life): Promise<void> {
    const at = Date.now();
    const { session, account } = await store.findCurrent(sessionIds['session' in one ? one.session : 0] ?? '', id);
    if (account === null || session === null) throw new Error('the account is gone');
    const ending: Ending = { reason: account.version % 2 === 0 ? 'REVOKED_BY_USER' : 'PASSWORD_CHANGED', at, by: null };
    switch (one.kind) {
      case 'token':
        if (endOf(session, account, at) === null && account.disabled === null) issued.push(tokens.issue(account, session).token);
        return;
      case 'revoke':
        await store.revoke(session.id, null, ending, at + day);
        return;
      case 'end':
        await store.endSessions(id, { ...ending, kept: one.keeps ? { id: session.id, epoch: session.epoch } : null });
        return;
      case 'roles':
        await store.setRoles(id, account.rightsVersion, one.roles, at);
        return;
      case 'disable':
        await store.disableAccount(id, { at, until: one.forMs === null ? null : at + one.forMs, reason: null }, ending);
    }
  }

  async function compare({ id, issued }: Life): Promise<void> {
    for (const token of issued) {
      const expected = await verdictOf(server, token);
      for (const verifier of verifiers) expect(await verifier.check(token)).toEqual(expected);
      const verdict = expected.alive ? 'alive' : (expected.reason ?? '');
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    }
    const [last] = issued.slice(-1);
    if (last === undefined) return;
    const { alive, roles, scope } = await verdictOf(server, last);
    expect(await introspect(server.url, last)).toMatchObject(alive ? { active: true, roles, scope, sub: id } : { active: false });
  }

  /** Several accounts, each with a history of its own; in between the verifiers follow, or begin anew. */
  async function live(histories: readonly (readonly Step[])[], breaks: readonly ('none' | 'follow' | 'anew')[]): Promise<void> {
    const lives = await Promise.all(histories.map(() => begin()));
    for (const [turn, pause] of breaks.entries()) {
      const steps = lives.map(async (life, index) => {
        const one = histories[index]?.[turn];
        if (one !== undefined) await take(one, life);
      });
      await Promise.all(steps);
      if (pause === 'anew') for (const verifier of verifiers) verifier.forgetCursor();
      if (pause !== 'none') await follow();
    }
    await untilFeed(server.url);
    await follow();
    for (const life of lives) await compare(life);
  }
  const verdicts: Record<string, number> = {};
  const atOnce = 25;
  const histories = database.kind === 'sqlite' ? 1_000 : 250;
  const turns = 12;

  it(`agrees with the server on ${histories} histories of revokes, end-alls, keeps, role changes and disables`, async () => {
    const history = fc.array(step, { minLength: 3, maxLength: turns });
    const many = fc.array(history, { minLength: atOnce, maxLength: atOnce });
    const breaks = fc.array(fc.constantFrom('none', 'follow', 'anew'), { minLength: turns, maxLength: turns });
    await fc.assert(fc.asyncProperty(many, breaks, live), { numRuns: histories / atOnce, endOnFailure: true });
    process.stdout.write(`verifier (${database.kind}): ${JSON.stringify(verdicts)}\n`);
    for (const verdict of ['alive', 'REVOKED_BY_USER', 'PASSWORD_CHANGED', 'ACCOUNT_DISABLED']) {
      expect(verdicts[verdict]).toBeGreaterThan(histories / 20);
    }
  }, 300_000);

  it('is not simply told that everything is well: one that follows nothing disagrees', async () => {
    const account = anAccount({ roles: ['user'], createdAt: Date.now() });
    await store.createAccount(account);
    const session = aSession({ accountId: account.id, createdAt: Date.now(), idleExpiresAt: Date.now() + day });
    await store.createSession(session);
    const { token } = tokens.issue(account, session);
    await store.revoke(session.id, null, { reason: 'LOGOUT', at: Date.now(), by: null }, Date.now() + day);
    expect(newAlgorithm().judge(partsOf(token).claims as AccessTokenClaims, Date.now() / 1000)).toMatchObject({ alive: true });
    expect(await verdictOf(server, token)).toMatchObject({ alive: false });
    await follow();
    for (const verifier of verifiers) expect(await verifier.check(token)).toMatchObject({ alive: false, reason: 'LOGOUT' });
  });
});

describe('The algorithm of docs/services.md', () => {
  it('takes about as few lines as it says', () => {
    expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(25);
  });
});
