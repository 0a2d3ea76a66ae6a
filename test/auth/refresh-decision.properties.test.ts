import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideRefresh, type RefreshPolicy } from '../../src/auth/refresh-decision.js';
import type { AccountRecord, Ending, SessionRecord } from '../../src/store/records.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

const now = t0 + 30 * day;
/** Gathered around the edges of a grace, and as far as a skewed clock reaches into the future. */
const instant = fc.oneof(
  fc.integer({ min: now - 61_000, max: now + 6_000 }),
  fc.integer({ min: now - 8 * day, max: now + 2 * minute }),
  fc.constantFrom(now, now - 10_000, now - 10_001, now - 60_000, now - 60_001, now + 5_000),
);
const ending: fc.Arbitrary<Ending> = fc.record({ at: instant, reason: fc.constantFrom('LOGOUT', 'PASSWORD_RESET'), by: fc.constant(null) });
const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 8 });

const sessions: fc.Arbitrary<SessionRecord> = fc.integer({ min: 0, max: 14 }).chain((generation) =>
  fc
    .record({
      rotations: fc.array(instant, { minLength: Math.min(8, generation), maxLength: Math.min(8, generation) }),
      confirmedGeneration: fc.integer({ min: -1, max: generation }),
      confirmedAt: instant,
      createdAt: fc.integer({ min: now - 90 * day, max: now - 9 * day }),
      idleLeft: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 7 * day }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: minute }) },
        { weight: 1, arbitrary: fc.integer({ min: -day, max: 0 }) },
      ),
      absoluteLeft: fc.integer({ min: 0, max: 30 * day }),
      revoked: rarely(ending),
      epoch: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ rotations, confirmedGeneration, confirmedAt, idleLeft, absoluteLeft, ...rest }) =>
      aSession({
        ...rest,
        id: 'this session',
        generation,
        rotations: rotations.sort((one, other) => one - other),
        confirmedGeneration,
        confirmedAt: confirmedGeneration < 0 ? null : confirmedAt,
        idleExpiresAt: now + idleLeft,
        expiresAt: now + idleLeft + absoluteLeft,
      }),
    ),
);

const accounts: fc.Arbitrary<AccountRecord> = fc
  .record({
    sessionEpoch: fc.integer({ min: 1, max: 2 }),
    keptSessionId: fc.constantFrom(null, 'this session', 'another session'),
    sessionsEnded: ending,
    disabled: rarely(fc.record({ at: fc.constant(now - minute), until: fc.option(instant), reason: fc.constant(null) })),
  })
  .map((record) => anAccount(record));

const policies: fc.Arbitrary<RefreshPolicy> = fc.record({
  graceMs: fc.constantFrom(0, 1_000, 10_000, 60_000),
  binding: fc.constantFrom('off', 'agent', 'address', 'both'),
  mode: fc.constantFrom('bearer', 'cookie'),
});

const presented = fc.record({
  generation: fc.integer({ min: 0, max: 16 }),
  ipAddress: fc.oneof({ weight: 5, arbitrary: fc.constant('192.0.2.1') }, fc.constantFrom('192.0.2.2', null)),
  userAgent: fc.oneof({ weight: 5, arbitrary: fc.constant('Test/1.0') }, fc.constantFrom('Other/1.0', null)),
});

const isGrant = (kind: string): boolean => kind === 'rotate' || kind === 'repeat';

/** By the words of the design, not by the code: not revoked, not past an end, account enabled, inside the epoch or kept. */
function isAlive(session: SessionRecord, account: AccountRecord): boolean {
  const isEnabled = account.disabled === null || (account.disabled.until !== null && account.disabled.until <= now);
  const isInEpoch = session.epoch === account.sessionEpoch || session.id === account.keptSessionId;
  return session.revoked === null && isEnabled && isInEpoch && now < session.idleExpiresAt && now < session.expiresAt;
}

const runs = { numRuns: 2_000 };

describe('whatever the session, the account, the token and the policy', () => {
  it('rotates only for the present generation of a session that is alive', () => {
    const property = fc.property(sessions, accounts, presented, policies, (session, account, token, policy) => {
      if (decideRefresh(session, account, token, now, policy).kind !== 'rotate') return;
      expect(token.generation).toBe(session.generation);
      expect(isAlive(session, account)).toBe(true);
    });
    fc.assert(property, runs);
  });

  it('never grants anything for an ended session or a disabled account', () => {
    const property = fc.property(sessions, accounts, presented, policies, (session, account, token, policy) => {
      fc.pre(!isAlive(session, account));
      expect(isGrant(decideRefresh(session, account, token, now, policy).kind)).toBe(false);
    });
    fc.assert(property, runs);
  });

  it('never grants anything for a session outside the epoch whose end a skewed clock put beyond its idle limit', () => {
    const session = aSession({ epoch: 1, idleExpiresAt: now + minute });
    const account = anAccount({ sessionEpoch: 2, sessionsEnded: anEnding({ at: now + minute, reason: 'REVOKED_BY_USER' }) });
    const token = { generation: 0, ipAddress: null, userAgent: null };
    const decision = decideRefresh(session, account, token, now, { graceMs: 10_000, binding: 'off', mode: 'bearer' });
    expect(decision).toMatchObject({ kind: 'revoked', reason: 'REVOKED_BY_USER' });
  });

  it('calls every generation to come invalid', () => {
    const property = fc.property(
      sessions,
      accounts,
      presented,
      policies,
      fc.integer({ min: 1, max: 2 ** 32 }),
      (session, account, token, policy, ahead) => {
        const generation = session.generation + ahead;
        expect(decideRefresh(session, account, { ...token, generation }, now, policy)).toEqual({ kind: 'invalid' });
      },
    );
    fc.assert(property, runs);
  });

  it('without a grace calls every superseded token of a session that is alive reuse', () => {
    const account = anAccount();
    const property = fc.property(sessions, fc.nat(), fc.constantFrom('bearer', 'cookie'), (session, pick, mode) => {
      const living = { ...session, revoked: null, epoch: account.sessionEpoch };
      fc.pre(isAlive(living, account) && living.generation > 0 && (living.rotations.at(-1) ?? 0) <= now + 5_000);
      const token = { generation: pick % living.generation, ipAddress: null, userAgent: null };
      expect(decideRefresh(living, account, token, now, { graceMs: 0, binding: 'off', mode })).toEqual({ kind: 'reuse' });
    });
    fc.assert(property, runs);
  });

  it('never grants later what it has called reuse', () => {
    let reuses = 0;
    const later = fc.integer({ min: 1, max: 8 * day });
    const property = fc.property(sessions, fc.nat(), policies, later, (session, pick, policy, after) => {
      const living = { ...session, revoked: null, epoch: 1 };
      const token = { generation: pick % (session.generation + 1), ipAddress: session.ipAddress, userAgent: session.userAgent };
      if (decideRefresh(living, anAccount(), token, now, policy).kind !== 'reuse') return;
      reuses += 1;
      expect(isGrant(decideRefresh(living, anAccount(), token, now + after, policy).kind)).toBe(false);
    });
    fc.assert(property, runs);
    expect(reuses).toBeGreaterThan(200);
  });
});
