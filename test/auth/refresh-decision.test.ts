import { describe, expect, it } from '@jest/globals';
import { decideRefresh, type RefreshDecision, type RefreshPolicy } from '../../src/auth/refresh-decision.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

const second = 1_000;
const now = t0 + day;
const strict = { graceMs: 0 };
const account = anAccount();
const disabled = anAccount({ disabled: { at: now - minute, until: null, reason: null } });
const epochRaised = anAccount({ sessionEpoch: 2, sessionsEnded: anEnding({ at: now - minute, reason: 'PASSWORD_CHANGED' }) });

interface Asked {
  readonly session?: SessionRecord | null;
  readonly account?: AccountRecord | null;
  readonly generation: number;
  readonly at?: number;
  readonly ipAddress?: string | null;
  readonly userAgent?: string | null;
  readonly policy?: Partial<RefreshPolicy>;
}

function decide(asked: Asked): RefreshDecision {
  const { session = aSession(), generation, at = now, ipAddress = '192.0.2.1', userAgent = 'Test/1.0', policy } = asked;
  const whose = asked.account === undefined ? account : asked.account;
  return decideRefresh(session, whose, { generation, ipAddress, userAgent }, at, {
    graceMs: 10 * second,
    binding: 'off',
    mode: 'bearer',
    ...policy,
  });
}

/** A session at generation n whose rotations happened at these instants; unconfirmed unless told otherwise. */
const rotatedAt = (rotations: readonly number[], overrides: Partial<SessionRecord> = {}): SessionRecord =>
  aSession({ generation: rotations.length, rotations: rotations.slice(-8), ...overrides });

/** At generation 1, which the client was seen to hold at `confirmedAt`. */
const confirmed = (confirmedAt: number, rotation = now - day / 2): SessionRecord =>
  rotatedAt([rotation], { confirmedGeneration: 1, confirmedAt });

const repeated = { kind: 'repeat', confirm: false };

describe('the rows of the refresh table', () => {
  it('calls a token of an unknown session or a generation to come invalid', () => {
    expect(decide({ session: null, generation: 0 })).toEqual({ kind: 'invalid' });
    expect(decide({ account: null, generation: 1 })).toEqual({ kind: 'invalid' });
  });

  it('tells what became of the session of a deleted account', () => {
    const ending = anEnding({ reason: 'ACCOUNT_DELETED' });
    expect(decide({ session: aSession({ revoked: ending }), account: null, generation: 0 })).toEqual({ kind: 'revoked', ...ending });
    // The account goes first, the marks of its sessions follow.
    expect(decide({ account: null, generation: 0 })).toEqual({ kind: 'revoked', reason: 'ACCOUNT_DELETED', at: now, by: null });
    expect(decide({ generation: 1 })).toEqual({ kind: 'invalid' });
    expect(decide({ session: rotatedAt([now - minute]), generation: 2 ** 32 - 1 })).toEqual({ kind: 'invalid' });
  });

  it('refuses while the account is disabled, until the instant at which it enables itself', () => {
    expect(decide({ account: disabled, generation: 0 })).toEqual({ kind: 'account-disabled' });
    const untilNow = anAccount({ disabled: { at: now - minute, until: now, reason: null } });
    expect(decide({ account: untilNow, generation: 0, at: now - 1 })).toEqual({ kind: 'account-disabled' });
    expect(decide({ account: untilNow, generation: 0 })).toEqual({ kind: 'rotate' });
  });

  it('says why, when and by whom a session was revoked, within the grace too', () => {
    const revoked = anEnding({ at: now - second, reason: 'LOGOUT', by: 'somebody' });
    const session = rotatedAt([now - 2 * second], { revoked });
    for (const generation of [0, 1]) {
      expect(decide({ session, generation })).toEqual({ kind: 'revoked', at: now - second, reason: 'LOGOUT', by: 'somebody' });
    }
  });

  it("refuses a session outside its account's epoch with the reason of the rise, the kept one excepted", () => {
    expect(decide({ account: epochRaised, generation: 0 })).toMatchObject({
      kind: 'revoked',
      reason: 'PASSWORD_CHANGED',
      at: now - minute,
    });
    const session = aSession();
    expect(decide({ session, account: { ...epochRaised, keptSessionId: session.id }, generation: 0 })).toEqual({ kind: 'rotate' });
  });

  it('refuses a session from the millisecond of its idle end, and of its absolute end', () => {
    const idle = aSession({ idleExpiresAt: now });
    expect(decide({ session: idle, generation: 0, at: now - 1 })).toEqual({ kind: 'rotate' });
    expect(decide({ session: idle, generation: 0 })).toEqual({ kind: 'expired', limit: 'IDLE', at: now });
    const absolute = aSession({ idleExpiresAt: now, expiresAt: now });
    expect(decide({ session: absolute, generation: 0, at: now - 1 })).toEqual({ kind: 'rotate' });
    expect(decide({ session: absolute, generation: 0 })).toEqual({ kind: 'expired', limit: 'ABSOLUTE', at: now });
  });

  it('decides nothing when the last rotation lies more than 5 s in the future', () => {
    const rotated = rotatedAt([now + 5 * second]);
    for (const generation of [0, 1]) {
      expect(decide({ session: rotated, generation, at: now - 1 })).toEqual({ kind: 'clock-leapt' });
      expect(decide({ session: rotated, generation }).kind).not.toBe('clock-leapt');
    }
    const young = aSession({ createdAt: now + 5 * second });
    expect(decide({ session: young, generation: 0, at: now - 1 })).toEqual({ kind: 'clock-leapt' });
    expect(decide({ session: young, generation: 0 })).toEqual({ kind: 'rotate' });
  });

  it.each([
    ['off', '198.51.100.1', 'Other/1.0', 'rotate'],
    ['agent', '198.51.100.1', 'Test/2.0', 'rotate'],
    ['agent', '192.0.2.1', 'Other/1.0', 'binding-mismatch'],
    ['agent', '192.0.2.1', null, 'binding-mismatch'],
    ['address', '192.0.2.1', 'Other/1.0', 'rotate'],
    ['address', '192.0.2.2', 'Test/1.0', 'binding-mismatch'],
    ['address', null, 'Test/1.0', 'binding-mismatch'],
    ['both', '192.0.2.1', 'Test/1.0', 'rotate'],
    ['both', '192.0.2.2', 'Test/1.0', 'binding-mismatch'],
    ['both', '192.0.2.1', 'Other/1.0', 'binding-mismatch'],
  ] as const)('with binding %s decides about %s and %s: %s', (binding, ipAddress, userAgent, kind) => {
    expect(decide({ generation: 0, ipAddress, userAgent, policy: { binding } })).toEqual({ kind });
  });

  it('rotates for the present generation, confirmed or not, however young', () => {
    expect(decide({ generation: 0 })).toEqual({ kind: 'rotate' });
    expect(decide({ session: rotatedAt([now]), generation: 1 })).toEqual({ kind: 'rotate' });
    expect(decide({ session: confirmed(now), generation: 1 })).toEqual({ kind: 'rotate' });
  });
});

describe('the order of the rows', () => {
  // Each fits the rows named; the first of them must decide.
  const revoked = anEnding({ at: now - minute });
  const ended = { revoked, idleExpiresAt: now, expiresAt: now };
  const future = [now + minute];
  const elsewhere = { ipAddress: '198.51.100.1', policy: { binding: 'both' } } as const;

  it.each<[string, Asked, string]>([
    ['invalid before disabled', { session: aSession(ended), account: disabled, generation: 1 }, 'invalid'],
    ['disabled before revoked', { session: aSession({ revoked }), account: disabled, generation: 0 }, 'account-disabled'],
    ['disabled before expired', { session: aSession({ idleExpiresAt: now }), account: disabled, generation: 0 }, 'account-disabled'],
    ['disabled before reuse', { session: confirmed(now - day), account: disabled, generation: 0 }, 'account-disabled'],
    ['revoked before expired', { session: aSession(ended), generation: 0 }, 'revoked'],
    ['a raised epoch before expired', { session: aSession({ idleExpiresAt: now }), account: epochRaised, generation: 0 }, 'revoked'],
    ['revoked before a leapt clock', { session: rotatedAt(future, { revoked }), generation: 1 }, 'revoked'],
    ['revoked before binding', { session: aSession({ revoked }), generation: 0, ...elsewhere }, 'revoked'],
    ['revoked before reuse', { session: { ...confirmed(now - day), revoked }, generation: 0 }, 'revoked'],
    ['expired before a leapt clock', { session: rotatedAt(future, { idleExpiresAt: now }), generation: 1 }, 'expired'],
    ['expired before binding', { session: aSession({ idleExpiresAt: now }), generation: 0, ...elsewhere }, 'expired'],
    ['expired before reuse', { session: { ...confirmed(now - day), idleExpiresAt: now }, generation: 0 }, 'expired'],
    ['a leapt clock before binding', { session: rotatedAt(future), generation: 1, ...elsewhere }, 'clock-leapt'],
    ['a leapt clock before reuse', { session: rotatedAt(future), generation: 0, policy: strict }, 'clock-leapt'],
    ['binding before rotation', { generation: 0, ...elsewhere }, 'binding-mismatch'],
    ['binding before the grace', { session: rotatedAt([now]), generation: 0, ...elsewhere }, 'binding-mismatch'],
    ['binding before reuse', { session: confirmed(now - day), generation: 0, ...elsewhere }, 'binding-mismatch'],
  ])('%s', (_order, asked, kind) => {
    expect(decide(asked).kind).toBe(kind);
  });

  it('lets a session that had expired before its account ended all sessions stay expired', () => {
    const session = aSession({ idleExpiresAt: now - 2 * minute });
    expect(decide({ session, account: epochRaised, generation: 0 })).toEqual({ kind: 'expired', limit: 'IDLE', at: now - 2 * minute });
  });
});

describe('the generation before the present one', () => {
  it.each([
    ['1 s', second],
    ['30 s', 30 * second],
    ['1 h', 60 * minute],
    ['6 d', 6 * day],
  ])('still answers %s later, while nobody has shown that the reply arrived (P7)', (_later, later) => {
    const rotation = t0 + 1;
    expect(decide({ session: rotatedAt([rotation]), generation: 0, at: rotation + later })).toEqual(repeated);
  });

  it.each([10 * second, 60 * second])('answers to the last millisecond of a grace of %i ms after the confirmation', (graceMs) => {
    const policy = { graceMs };
    expect(decide({ session: confirmed(now - graceMs), generation: 0, policy })).toEqual(repeated);
    expect(decide({ session: confirmed(now - graceMs - 1), generation: 0, policy })).toEqual({ kind: 'reuse' });
  });

  it.each([10 * second, 60 * second])(
    'counts a grace of %i ms from the rotation where that came later than the confirmation',
    (graceMs) => {
      const policy = { graceMs };
      expect(decide({ session: confirmed(now - day, now - graceMs), generation: 0, policy })).toEqual(repeated);
      expect(decide({ session: confirmed(now - day, now - graceMs - 1), generation: 0, policy })).toEqual({ kind: 'reuse' });
    },
  );

  it('counts as unconfirmed when only an earlier generation was confirmed', () => {
    const session = rotatedAt([now - 2 * day, now - day], { confirmedGeneration: 1, confirmedAt: now - day });
    expect(decide({ session, generation: 1 })).toEqual(repeated);
  });

  it('is reuse at once in strict mode, confirmed or not', () => {
    expect(decide({ session: rotatedAt([now]), generation: 0, policy: strict })).toEqual({ kind: 'reuse' });
    expect(decide({ session: confirmed(now, now), generation: 0, policy: strict })).toEqual({ kind: 'reuse' });
  });
});

describe('generations further back', () => {
  const graceMs = 10 * second;

  it('answer to the last millisecond of the grace after they were superseded', () => {
    // Generation 0 was superseded by the first rotation, 1 by the second.
    const session = rotatedAt([now - graceMs, now - graceMs + 1, now]);
    expect(decide({ session, generation: 0 })).toEqual(repeated);
    expect(decide({ session, generation: 0, at: now + 1 })).toEqual({ kind: 'reuse' });
    expect(decide({ session, generation: 1, at: now + 1 })).toEqual(repeated);
    expect(decide({ session, generation: 1, at: now + 2 })).toEqual({ kind: 'reuse' });
  });

  it('are reuse after the grace though the present generation is unconfirmed', () => {
    expect(decide({ session: rotatedAt([now - day, now - day]), generation: 0 })).toEqual({ kind: 'reuse' });
  });

  it('are reuse at once in strict mode', () => {
    expect(decide({ session: rotatedAt([now, now]), generation: 0, policy: strict })).toEqual({ kind: 'reuse' });
    expect(decide({ session: rotatedAt(Array(9).fill(now)), generation: 0, policy: strict })).toEqual({ kind: 'reuse' });
  });

  it('answer when superseded by the eighth last rotation, the oldest that is remembered', () => {
    const session = rotatedAt(Array(20).fill(now - graceMs));
    expect(decide({ session, generation: 12 })).toEqual(repeated);
    expect(decide({ session, generation: 12, at: now + 1 })).toEqual({ kind: 'reuse' });
  });

  it('are too often, never reuse, when eight rotations within the grace have pushed them out of memory', () => {
    const oldest = now - graceMs + 2_500;
    const session = rotatedAt([now - minute, oldest, ...Array(7).fill(now)]);
    expect(session.rotations).toHaveLength(8);
    expect(decide({ session, generation: 0 })).toEqual({ kind: 'too-often', retryAfterSeconds: 3 });
    expect(decide({ session, generation: 0, at: now + 2_499 })).toEqual({ kind: 'too-often', retryAfterSeconds: 1 });
    expect(decide({ session, generation: 0, at: now + 2_500 })).toEqual({ kind: 'too-often', retryAfterSeconds: 1 });
    expect(decide({ session, generation: 0, at: now + 2_501 })).toEqual({ kind: 'reuse' });
  });

  it('are reuse more than eight generations back when one of the remembered rotations is older than the grace', () => {
    const session = rotatedAt([now - minute, now - graceMs - 1, ...Array(7).fill(now)]);
    expect(decide({ session, generation: 0 })).toEqual({ kind: 'reuse' });
  });
});

describe('cookie mode', () => {
  const policy = { mode: 'cookie' } as const;

  it('answers a generation younger than the grace again, and confirms it', () => {
    const session = rotatedAt([now - 10 * second + 1]);
    expect(decide({ session, generation: 1, policy })).toEqual({ kind: 'repeat', confirm: true });
    expect(decide({ session, generation: 1, policy, at: now + 1 })).toEqual({ kind: 'rotate' });
  });

  it('counts the age of the first generation from the sign-in', () => {
    const session = aSession({ createdAt: now - 10 * second + 1 });
    expect(decide({ session, generation: 0, policy })).toEqual({ kind: 'repeat', confirm: true });
    expect(decide({ session, generation: 0, policy, at: now + 1 })).toEqual({ kind: 'rotate' });
  });

  it('rotates every time in strict mode', () => {
    expect(decide({ session: rotatedAt([now]), generation: 1, policy: { ...policy, ...strict } })).toEqual({ kind: 'rotate' });
  });

  it('judges superseded generations as bearer mode does', () => {
    expect(decide({ session: rotatedAt([now - day / 2]), generation: 0, policy })).toEqual(repeated);
    expect(decide({ session: confirmed(now - minute), generation: 0, policy })).toEqual({ kind: 'reuse' });
  });
});
