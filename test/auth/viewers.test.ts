import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReadThroughCheck } from '../../src/auth/revocations.js';
import { SessionUses } from '../../src/auth/session-uses.js';
import { Viewers } from '../../src/auth/viewers.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { aClock, aRoleBook, type Issuing, openIssuing, RecordingLog, storeWith } from '../support/factories.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

let issuing: Issuing;
let account: AccountRecord;
let session: SessionRecord;
let token: string;
beforeEach(async () => {
  issuing = await openIssuing('ES256');
  account = anAccount({ roles: ['support'] });
  session = aSession({ accountId: account.id });
  await issuing.store.createAccount(account);
  await issuing.store.createSession(session);
  token = issuing.tokens.issue(account, session).token;
});

function viewersOver(store: Store = issuing.store, uses = new SessionUses({ store, log: new RecordingLog() })): Viewers {
  const sessionCheck = new ReadThroughCheck({ store, clock: aClock(issuing.time), uses });
  return new Viewers({ accessTokens: issuing.tokens, sessionCheck, roles: aRoleBook() });
}
const settle = (accessToken: string | null, store?: Store) => viewersOver(store).settle(accessToken);
const purgeAt = t0 + 365 * day;

describe('the viewer', () => {
  it('is the account of the token, with its permissions and without its password hash', async () => {
    const viewer = await settle(token);
    expect(viewer).toMatchObject({
      kind: 'account',
      sessionId: session.id,
      epoch: 1,
      accountId: account.id,
      authenticatedAt: t0,
      permissions: ['users:read', 'sessions:read'],
    });
    expect(JSON.stringify(viewer)).not.toContain(account.passwordHash);
  });

  it('is nobody without a token, and the store is not asked', async () => {
    const silent = new Proxy({} as Store, {
      get: () => {
        throw new Error('the store was asked');
      },
    });
    const viewers = viewersOver(silent, new SessionUses({ store: issuing.store, log: new RecordingLog() }));
    expect(await viewers.settle(null)).toEqual({ kind: 'anonymous', reason: 'NO_TOKEN' });
    expect(await viewers.settle('')).toEqual({ kind: 'anonymous', reason: 'INVALID' });
    expect(await viewers.settle('not a token')).toEqual({ kind: 'anonymous', reason: 'INVALID' });
    issuing.time.move(day);
    expect(await viewers.settle(token)).toEqual({ kind: 'anonymous', reason: 'EXPIRED', sessionId: session.id });
  });

  it('is nobody from the next request after a revocation, and learns why', async () => {
    expect((await settle(token)).kind).toBe('account');
    const ending = anEnding({ at: t0 + 1, reason: 'REVOKED_BY_ADMIN' });
    await issuing.store.revoke(session.id, null, ending, purgeAt);
    expect(await settle(token)).toEqual({
      kind: 'anonymous',
      reason: 'REVOKED',
      sessionId: session.id,
      ended: { kind: 'revoked', ...ending },
    });
  });

  it('is nobody from the next request after all sessions were ended', async () => {
    await issuing.store.endSessions(account.id, { ...anEnding({ reason: 'PASSWORD_RESET' }), kept: null });
    expect(await settle(token)).toMatchObject({ kind: 'anonymous', reason: 'REVOKED', ended: { reason: 'PASSWORD_RESET' } });
  });

  it('stays signed in when all sessions but this one were ended', async () => {
    await issuing.store.endSessions(account.id, { ...anEnding(), kept: { id: session.id, epoch: 1 } });
    expect(await settle(token)).toMatchObject({ kind: 'account', sessionId: session.id });
  });

  it('is nobody while the account is disabled', async () => {
    await issuing.store.disableAccount(
      account.id,
      { at: t0, until: null, reason: 'spam' },
      anEnding({ at: t0, reason: 'ACCOUNT_DISABLED' }),
    );
    expect(await settle(token)).toMatchObject({ kind: 'anonymous', reason: 'REVOKED', ended: { reason: 'ACCOUNT_DISABLED' } });
  });

  it('is nobody while the account is disabled, also where the epoch did not rise', async () => {
    const disabled = { ...account, disabled: { at: t0, until: null, reason: null } };
    const store = storeWith(issuing.store, { findCurrent: async () => ({ session, account: disabled }) });
    expect(await settle(token, store)).toMatchObject({
      kind: 'anonymous',
      reason: 'REVOKED',
      ended: { reason: 'ACCOUNT_DISABLED', at: t0 },
    });
  });

  it('is nobody when the account is gone, when the session is gone, and when the session is of another account', async () => {
    const found = (current: Awaited<ReturnType<Store['findCurrent']>>) => storeWith(issuing.store, { findCurrent: async () => current });
    expect(await settle(token, found({ session, account: null }))).toMatchObject({
      kind: 'anonymous',
      ended: { reason: 'ACCOUNT_DELETED' },
    });
    expect(await settle(token, found({ session: null, account }))).toMatchObject({ kind: 'anonymous', reason: 'EXPIRED' });
    expect(await settle(token, found({ session: aSession({ id: session.id }), account }))).toMatchObject({ kind: 'anonymous' });
  });

  it('has the rights of now, not those of the token', async () => {
    await issuing.store.setRoles(account.id, account.rightsVersion, ['user'], t0);
    expect(await settle(token)).toMatchObject({ kind: 'account', roles: ['user'], permissions: [] });
  });

  it('is not known while the store is down: nobody is told to sign in again for it', async () => {
    const down = async () => {
      throw new StoreUnavailableError();
    };
    expect(await settle(token, storeWith(issuing.store, { findCurrent: down }))).toEqual({ kind: 'unavailable' });
  });

  it('fails loudly for what nobody foresaw', async () => {
    const broken = storeWith(issuing.store, { findCurrent: () => Promise.reject(new TypeError('broken')) });
    await expect(settle(token, broken)).rejects.toThrow(TypeError);
  });

  it('confirms by its request that the client holds this generation', async () => {
    const uses = new SessionUses({ store: issuing.store, log: new RecordingLog() });
    issuing.time.move(minute);
    await viewersOver(issuing.store, uses).settle(token);
    expect(uses.overlay(session)).toMatchObject({ confirmedGeneration: 0, confirmedAt: t0 + minute });
  });

  it('confirms nothing when the session is over', async () => {
    const uses = new SessionUses({ store: issuing.store, log: new RecordingLog() });
    await issuing.store.revoke(session.id, null, anEnding(), purgeAt);
    await viewersOver(issuing.store, uses).settle(token);
    expect(uses.overlay(session)).toBe(session);
  });
});
