import { beforeEach, describe, expect, it } from '@jest/globals';
import { AccountDeletions } from '../../src/auth/account-deletions.js';
import { Accounts } from '../../src/auth/accounts.js';
import { Administration, type Caller } from '../../src/auth/administration.js';
import { Administrators } from '../../src/auth/administrators.js';
import { Afterwards } from '../../src/auth/afterwards.js';
import { BulkRevocations } from '../../src/auth/bulk-revocations.js';
import { PasswordResets } from '../../src/auth/password-resets.js';
import type { Passwords } from '../../src/auth/passwords.js';
import type { Permission } from '../../src/auth/roles.js';
import { SessionSearch } from '../../src/auth/session-search.js';
import type { WaitingSignups } from '../../src/auth/waiting-signups.js';
import type { AccountMails, Addressee, MailedToken } from '../../src/mail/mails.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { AccountRecord } from '../../src/store/records.js';
import { aClock, anAudit, aRequest, aRoleBook, aThrottle, FakeTime, memoryStore, RecordingLog, storeWith } from '../support/factories.js';
import { anAccount, anAuditQuery, aSession, minute } from '../support/records.js';

const config = {
  refreshTokenTtlSeconds: 7 * 86_400,
  sessionMaxAgeSeconds: 90 * 86_400,
  sessionHistorySeconds: 0,
  accessTokenTtlSeconds: 60,
  passwordMinLength: 8,
  passwordMaxLength: 256,
  signupEnabled: false,
  emailVerificationRequired: false,
  verificationTtlSeconds: 86_400,
  resetTtlSeconds: 3_600,
};
const everything: readonly Permission[] = ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'];

let store: Store;
let time: FakeTime;
let log: RecordingLog;
let told: string[];
beforeEach(async () => {
  store = await memoryStore();
  time = new FakeTime();
  log = new RecordingLog();
  told = [];
});

function services(over: Store = store) {
  const clock = aClock(time);
  const roles = aRoleBook();
  const audit = anAudit(over, time);
  const search = new SessionSearch({ store: over, clock, roles });
  const deletions = new AccountDeletions({ store: over, clock, log, config });
  const afterwards = new Afterwards({ log });
  const mailsOf = { accountCreated: async ({ email }: Addressee, { token }: MailedToken) => void told.push(`${email} ${token}`) };
  const mails = mailsOf as unknown as AccountMails;
  const passwords = {} as Passwords;
  const waitingSignups = {} as WaitingSignups;
  const throttle = aThrottle(over, time);
  const administration = new Administration({
    store: over,
    clock,
    accounts: new Accounts({ store: over, clock, passwords, throttle, waitingSignups, roles, audit, config }),
    administrators: new Administrators({ store: over, clock, roles }),
    deletions,
    bulkRevocations: new BulkRevocations({ store: over, clock, search, audit, config }),
    passwordResets: new PasswordResets({ store: over, clock, passwords, throttle, audit, mails, afterwards, log, config }),
    mails,
    audit,
    log,
    roles,
    config,
  });
  return { administration, deletions };
}
const made = async (...roles: string[]): Promise<AccountRecord> => {
  const account = anAccount({ roles });
  await store.createAccount(account);
  await store.createSession(aSession({ id: sessionOf(account), accountId: account.id }));
  return account;
};
const sessionOf = ({ id }: Pick<AccountRecord, 'id'>): string => `session of ${id}`;
const as = ({ id, roles }: AccountRecord, permissions: readonly Permission[] = everything): Caller => ({
  viewer: { kind: 'account', accountId: id, roles, permissions, sessionId: sessionOf({ id }), authenticatedAt: 0, epoch: 1 },
  source: aRequest(),
});

describe('the authority of an administrator', () => {
  it('ends where an account may do what the administrator may not', async () => {
    const [caller, admin] = [await made('admin'), await made('admin')];
    const { administration } = services();
    const weak = as(caller, ['users:read', 'users:write']);
    const forbidden = { code: 'FORBIDDEN' };
    await expect(administration.setUserRoles(weak, admin.id, ['user'])).rejects.toMatchObject(forbidden);
    await expect(administration.disableUser(weak, admin.id, null, null)).rejects.toMatchObject(forbidden);
    await expect(administration.enableUser(weak, admin.id)).rejects.toMatchObject(forbidden);
    await expect(administration.deleteUser(weak, admin.id)).rejects.toMatchObject(forbidden);
    expect(await store.findAccount(admin.id)).toEqual(admin);
  });

  it('ends at roles that allow more than the administrator may do', async () => {
    const [caller, user] = [await made('admin'), await made('user')];
    const { administration } = services();
    const weak = as(caller, ['users:read', 'users:write']);
    for (const role of ['support', 'admin']) {
      await expect(administration.setUserRoles(weak, user.id, [role])).rejects.toMatchObject({ code: 'FORBIDDEN' });
      const input = { email: 'x@example.com', roles: [role] };
      await expect(administration.createUser(weak, input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    expect(await store.findAccountByEmail('x@example.com')).toBeNull();
    expect((await administration.disableUser(weak, user.id, 'spam', null)).disabled).toMatchObject({ reason: 'spam' });
  });

  it('is judged again when somebody else changed the account in between', async () => {
    const [caller, target] = [await made('admin'), await made('user')];
    let isFirst = true;
    const racing = storeWith(store, {
      setRoles: async (id, version, roles, at) => {
        if (isFirst && id === target.id) await store.setRoles(id, version, ['admin'], at);
        isFirst = false;
        return store.setRoles(id, version, roles, at);
      },
    });
    const weak = as(caller, ['users:write']);
    await expect(services(racing).administration.setUserRoles(weak, target.id, [])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await store.findAccount(target.id))?.roles).toEqual(['admin']);
  });

  it('ends with the caller being demoted, disabled, signed out or deleted, also for what is under way', async () => {
    const root = await made('admin');
    const ends: ((caller: AccountRecord) => Promise<unknown>)[] = [
      ({ id }) => store.setRoles(id, 1, ['user'], time.wall()),
      ({ id }) =>
        store.disableAccount(id, { at: time.wall(), until: null, reason: null }, { at: 1, reason: 'ACCOUNT_DISABLED', by: root.id }),
      ({ id }) => store.endSessions(id, { at: 1, reason: 'REVOKED_BY_ADMIN', by: root.id, kept: null }),
      (caller) => store.revoke(sessionOf(caller), null, { at: 1, reason: 'REVOKED_BY_ADMIN', by: root.id }, time.wall()),
      ({ id }) => store.deleteAccount(id, 1, { at: 1, reason: 'ACCOUNT_DELETED', by: root.id }),
    ];
    for (const end of ends) {
      const [caller, other] = [await made('admin'), await made('user')];
      const before = as(caller);
      await end(caller);
      const { administration } = services();
      const acts = [
        () => administration.setUserRoles(before, caller.id, ['admin']),
        () => administration.setUserRoles(before, other.id, ['admin']),
        () => administration.enableUser(before, caller.id),
        () => administration.disableUser(before, other.id, null, null),
        () => administration.createUser(before, { email: 'accomplice@example.com', roles: ['admin'] }),
        () => administration.revokeSessions(before, { userId: other.id }, false),
      ];
      for (const act of acts) await expect(act()).rejects.toMatchObject({ code: expect.stringMatching(/^(FORBIDDEN|UNAUTHENTICATED)$/) });
      expect(await store.findAccount(other.id)).toEqual(other);
      expect((await store.findSession(sessionOf(other)))?.revoked).toBeNull();
    }
    expect(await store.findAccountByEmail('accomplice@example.com')).toBeNull();
  });

  it('cannot be evaded by ending one’s own sessions all the time', async () => {
    const [caller, target] = [await made('admin'), await made('user')];
    const restless = storeWith(store, {
      appendAudit: async (events) => {
        await store.appendAudit(events);
        await store.endSessions(target.id, { at: time.wall(), reason: 'REVOKED_BY_USER', by: target.id, kept: null });
      },
    });
    expect((await services(restless).administration.disableUser(as(caller), target.id, 'spam', null)).disabled).not.toBeNull();
    const events = (await store.listAudit(anAuditQuery({ accountId: target.id }), { limit: 100, after: null })).rows;
    expect(events.map(({ type }) => type)).toEqual(['ACCOUNT_DISABLED']);
  });

  it('over sessions ends where the one over their accounts does, and to end them is not to see them', async () => {
    const [caller, admin, user] = [await made('admin'), await made('admin'), await made('user')];
    const { administration } = services();
    const clerk = as(caller, ['sessions:revoke']);
    const filter = { ids: [admin, user].map(sessionOf) };
    expect(await administration.revokeSessions(clerk, filter, true)).toMatchObject({ count: 0, sessions: [] });
    const real = [admin, user].map(({ id: accountId }) => aSession({ accountId }));
    for (const session of real) await store.createSession(session);
    const found = { ids: real.map(({ id }) => id) };
    expect(await administration.revokeSessions(clerk, found, true)).toEqual({ count: 1, dryRun: true, sessions: [] });
    expect(await administration.revokeSessions(clerk, found, false)).toEqual({ count: 1, dryRun: false, sessions: [] });
    expect((await store.findSession(real[0]?.id ?? ''))?.revoked).toBeNull();
    expect((await administration.revokeSessions(as(caller), found, false)).sessions).toHaveLength(1);
  });

  it('changes nothing, and writes no event, when the roles are those that are held', async () => {
    const [caller, target] = [await made('admin'), await made('support', 'user')];
    const account = await services().administration.setUserRoles(as(caller), target.id, ['user', 'support']);
    expect(account.version).toBe(target.version);
    expect((await store.listAudit(anAuditQuery(), { limit: 100, after: null })).rows).toEqual([]);
  });

  it('says that it is not available when others change the account without an end', async () => {
    const [caller, target] = [await made('admin'), await made('user')];
    const busy = storeWith(store, { setRoles: async () => null });
    await expect(services(busy).administration.setUserRoles(as(caller), target.id, ['admin'])).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
  });
});

describe('the last administrator', () => {
  it('is one among the disabled, and steps down only when another is found, on whatever page', async () => {
    const { administration } = services();
    const only = await made('admin');
    await store.createAccount(anAccount({ roles: ['admin'], passwordHash: null }));
    const refused = { code: 'BAD_USER_INPUT', details: { reason: 'LAST_ADMINISTRATOR' } };
    await expect(administration.deleteUser(as(only), only.id)).rejects.toMatchObject(refused);
    for (let count = 0; count < 45; count += 1) await store.createAccount(anAccount({ roles: ['support'] }));
    await expect(administration.setUserRoles(as(only), only.id, [])).rejects.toMatchObject(refused);
    await store.createAccount(anAccount({ roles: ['admin'], disabled: { at: 0, until: time.wall() + minute, reason: null } }));
    await expect(administration.disableUser(as(only), only.id, null, null)).rejects.toMatchObject(refused);
    time.move(minute);
    expect((await administration.setUserRoles(as(only), only.id, ['user', 'user'])).roles).toEqual(['user']);
  });

  it('keeps the right when the process dies after the first half of the other one stepping down, and is not locked in by it', async () => {
    const [ada, eve] = [await made('admin'), await made('admin')];
    const dying = storeWith(store, {
      setRoles: (id, version, roles, at) =>
        id === ada.id ? Promise.reject(new StoreUnavailableError()) : store.setRoles(id, version, roles, at),
    });
    await expect(services(dying).administration.setUserRoles(as(eve), ada.id, [])).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(await store.findAccount(ada.id)).toEqual(ada);
    const { administration } = services();
    expect((await administration.setUserRoles(as(eve), ada.id, [])).roles).toEqual([]);
    await expect(administration.setUserRoles(as(eve), eve.id, [])).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('remains when each of five takes the right from the next at once, time and again', async () => {
    for (let round = 0; round < 20; round += 1) {
      const ring = await Promise.all(Array.from({ length: 5 }, () => made('admin')));
      const { administration } = services();
      const acts = ring.map((account, index) => {
        const next = ring[(index + 1) % ring.length] ?? account;
        return round % 2 === 0 ? administration.setUserRoles(as(account), next.id, []) : administration.deleteUser(as(account), account.id);
      });
      await Promise.allSettled(acts);
      const left = (await store.findAccounts(ring.map(({ id }) => id))).filter(({ roles }) => roles.includes('admin'));
      expect(left.length).toBeGreaterThanOrEqual(1);
      for (const { id, rightsVersion } of left) await store.setRoles(id, rightsVersion, ['user'], time.wall());
    }
  });
});

describe('the deletion of an account', () => {
  const revoked = { reason: 'ACCOUNT_DELETED' };

  it('that was cut short after its first step is finished later', async () => {
    const [caller, account] = [await made('admin'), await made('user')];
    const session = aSession({ accountId: account.id });
    await store.createSession(session);
    const cut = storeWith(store, { eraseTraces: () => Promise.reject(new StoreUnavailableError()) });
    await services(cut).administration.deleteUser(as(caller), account.id);
    expect(log.lines).toMatchObject([{ level: 'warn', details: { accountId: account.id } }]);
    expect(await store.findAccount(account.id)).toBeNull();
    const { deletions } = services();
    await deletions.finishAll();
    expect((await store.findSession(session.id))?.userAgent).toBe(session.userAgent);
    time.move(2 * minute);
    await deletions.finishAll();
    expect(await store.findSession(session.id)).toMatchObject({ userAgent: null, ipAddress: null, revoked });
    expect(await store.listDeletions(time.wall(), 10)).toEqual([]);
  });

  it('takes care of a session that a sign-in wrote late', async () => {
    const [caller, account] = [await made('admin'), await made('user')];
    const { administration, deletions } = services();
    await administration.deleteUser(as(caller), account.id);
    const late = aSession({ accountId: account.id });
    await store.createSession(late);
    time.move(2 * minute);
    await deletions.finishAll();
    expect(await store.findSession(late.id)).toMatchObject({ userAgent: null, ipAddress: null, revoked });
  });

  it('keeps its record as long as tokens and the listed sessions need it, and no longer', async () => {
    const [caller, account] = [await made('admin'), await made('user')];
    const { administration } = services();
    await administration.deleteUser(as(caller), account.id);
    const { deletions } = services();
    const deletedAt = time.wall();
    time.move(61_000);
    // Not before it was finished, however late that is.
    const records = () => store.purge(deletedAt + 210_000, 10);
    await records();
    expect(await store.listDeletions(time.wall(), 10)).toHaveLength(1);
    await deletions.finishAll();
    expect(await store.purge(deletedAt + 209_000, 10)).toBe(0);
    expect(await records()).toBe(1);
  });
});

it('a new account is told to its person by mail, with a link to set the first password', async () => {
  const caller = await made('admin');
  const { administration } = services();
  await administration.createUser(as(caller), { email: 'New@example.com' });
  expect(told).toEqual([expect.stringMatching(/^new@example.com lk_ot_[\w-]{64}$/)]);
});
