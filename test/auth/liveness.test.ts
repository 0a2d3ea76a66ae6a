import { describe, expect, it } from '@jest/globals';
import { endOf, isDisabled, isOutsideEpoch } from '../../src/auth/liveness.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

const now = t0 + day;
const raised = (at: number, keptSessionId: string | null = null) =>
  anAccount({ sessionEpoch: 2, keptSessionId, sessionsEnded: anEnding({ at, reason: 'PASSWORD_CHANGED', by: 'its user' }) });

describe('a session', () => {
  it('lives with the epoch of its account, until the millisecond of its end', () => {
    const session = aSession({ idleExpiresAt: now, expiresAt: now + day });
    expect(endOf(session, anAccount(), now - 1)).toBeNull();
    expect(endOf(session, anAccount(), now)).toEqual({ kind: 'expired', limit: 'IDLE', at: now });
  });

  it('has reached its absolute limit where both ends are one', () => {
    expect(endOf(aSession({ idleExpiresAt: now, expiresAt: now }), anAccount(), now)).toEqual({
      kind: 'expired',
      limit: 'ABSOLUTE',
      at: now,
    });
  });

  it('says by which limit it ended first, also long after both', () => {
    const session = aSession({ idleExpiresAt: now, expiresAt: now + day });
    expect(endOf(session, anAccount(), now + day)).toMatchObject({ kind: 'expired', limit: 'IDLE', at: now });
  });

  it('is over with its account', () => {
    expect(endOf(aSession(), null, now)).toEqual({ kind: 'revoked', reason: 'ACCOUNT_DELETED', at: now, by: null });
  });

  it('keeps the reason it was revoked for, whatever came later', () => {
    const revoked = anEnding({ at: t0 + 1, reason: 'LOGOUT' });
    for (const account of [null, anAccount(), raised(t0 + 2)]) {
      expect(endOf(aSession({ revoked, idleExpiresAt: t0 + 3 }), account, now)).toEqual({ kind: 'revoked', ...revoked });
    }
  });

  it('ends with the epoch, the kept one excepted', () => {
    const session = aSession();
    expect(endOf(session, raised(now), now)).toEqual({ kind: 'revoked', reason: 'PASSWORD_CHANGED', at: now, by: 'its user' });
    expect(endOf(session, raised(now, session.id), now)).toBeNull();
    expect(endOf(session, raised(now, 'another'), now)).toMatchObject({ kind: 'revoked' });
  });

  it('that had expired before its account ended all sessions stays expired', () => {
    const session = aSession({ idleExpiresAt: now - minute });
    expect(endOf(session, raised(now - minute - 1), now)).toMatchObject({ kind: 'revoked' });
    expect(endOf(session, raised(now - minute), now)).toEqual({ kind: 'expired', limit: 'IDLE', at: now - minute });
  });

  it('outside the epoch is over whatever the instants say: clocks of nodes differ, epochs do not', () => {
    const session = aSession({ idleExpiresAt: now + minute });
    expect(endOf(session, raised(now + minute), now)).not.toBeNull();
    expect(endOf(session, raised(now + day), now)).not.toBeNull();
    expect(endOf(session, anAccount({ sessionEpoch: 2, sessionsEnded: null }), now)).not.toBeNull();
  });

  it('is outside the epoch when its own differs, higher ones too', () => {
    expect(isOutsideEpoch(aSession({ epoch: 1 }), anAccount())).toBe(false);
    expect(isOutsideEpoch(aSession({ epoch: 0 }), anAccount())).toBe(true);
    expect(isOutsideEpoch(aSession({ epoch: 2 }), anAccount())).toBe(true);
  });
});

describe('a disabled account', () => {
  it.each([
    ['without an end', null, true],
    ['until the next millisecond', now + 1, true],
    ['until now', now, false],
    ['until before', now - 1, false],
  ])('%s is disabled: %s', (_until, until, expected) => {
    expect(isDisabled({ disabled: { at: t0, until, reason: null } }, now)).toBe(expected);
  });

  it('is not one that was never disabled', () => {
    expect(isDisabled({ disabled: null }, now)).toBe(false);
  });
});
