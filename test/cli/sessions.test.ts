import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { SessionRecord } from '../../src/store/records.js';
import { latchkey, latchkeyJson } from '../support/processes.js';
import { anAccount, anEnding, aSession, day } from '../support/records.js';
import { testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

/** Each command is a process of its own, which takes its time to start on a busy machine. */
jest.setTimeout(120_000);

const now = Date.now();

/** A session of these days, active unless told otherwise. */
const recent = (overrides: Partial<SessionRecord>): SessionRecord =>
  aSession({
    createdAt: now - day,
    lastSeenAt: now - day,
    idleExpiresAt: now + day,
    expiresAt: now + 2 * day,
    purgeAt: now + 30 * day,
    ...overrides,
  });

describeStores('latchkey sessions', (database) => {
  const environment = testEnvironment(database.url);
  let store: Store;
  let ada: ReturnType<typeof anAccount>;
  let bea: ReturnType<typeof anAccount>;
  let sessions: Record<'phone' | 'laptop' | 'over' | 'ended' | 'outside' | 'hers', SessionRecord>;
  beforeEach(async () => {
    store ??= await database.open();
    ada = anAccount({ username: `ada-${randomUUID().slice(0, 8)}`, roles: ['user', 'admin'] });
    bea = anAccount({ roles: ['user'] });
    sessions = {
      phone: recent({
        accountId: ada.id,
        createdAt: now - 1_000,
        userAgent: 'Mobile/1',
        device: { label: 'a\u001b[2Jb', browser: null, os: null, kind: 'MOBILE' },
      }),
      laptop: recent({ accountId: ada.id, createdAt: now - 2_000, ipAddress: '203.0.113.7' }),
      over: recent({ accountId: ada.id, createdAt: now - 3_000, idleExpiresAt: now - 1 }),
      ended: recent({ accountId: ada.id, createdAt: now - 4_000, revoked: anEnding({ at: now - 5, reason: 'LOGOUT' }) }),
      outside: recent({ accountId: ada.id, createdAt: now - 5_000, epoch: 0 }),
      hers: recent({ accountId: bea.id, createdAt: now - 6_000, lastSeenAt: now - 500 }),
    };
    await Promise.all([ada, bea].map((account) => store.createAccount(account)));
    await Promise.all(Object.values(sessions).map((session) => store.createSession(session)));
  });
  const names = (rows: readonly { id: string }[]) =>
    rows.flatMap(({ id }) => Object.entries(sessions).flatMap(([name, session]) => (session.id === id ? [name] : [])));
  const list = async (...args: string[]) => names((await latchkeyJson(['sessions', 'list', ...args], environment)).sessions);
  const alive = async () => {
    const found = await Promise.all(Object.values(sessions).map(({ id }) => store.findSession(id)));
    return names(found.flatMap((session) => (session === null || session.revoked !== null ? [] : [session])));
  };

  it('lists by account, state, device, address, user agent and instants', async () => {
    expect(await list('--user', ada.email)).toEqual(['phone', 'laptop']);
    expect(await list('--user', String(ada.username), '--state', 'all')).toEqual(['phone', 'laptop', 'over', 'ended', 'outside']);
    expect(await list('--user', ada.id, '--state', 'revoked')).toEqual(['ended', 'outside']);
    expect(await list('--user', ada.id, '--state', 'expired')).toEqual(['over']);
    expect(await list('--user', ada.id, '--device', 'mobile', '--agent', 'mobile')).toEqual(['phone']);
    expect(await list('--user', ada.id, '--ip', '203.0.113.7', '--role', 'admin')).toEqual(['laptop']);
    const seen = new Date(now - 600).toISOString();
    expect(await list('--user', bea.id, '--seen-after', seen, '--created-before', seen)).toEqual(['hers']);
  });

  it('prints every documented field, and to people nothing that a terminal obeys', async () => {
    const { sessions: rows } = await latchkeyJson(['sessions', 'list', '--user', ada.id, '--state', 'revoked'], environment);
    expect(rows[0]).toEqual({
      id: sessions.ended.id,
      user: { id: ada.id, email: ada.email, username: ada.username },
      state: 'REVOKED',
      createdAt: new Date(now - 4_000).toISOString(),
      lastSeenAt: new Date(now - day).toISOString(),
      idleExpiresAt: new Date(now + day).toISOString(),
      expiresAt: new Date(now + 2 * day).toISOString(),
      ipAddress: '192.0.2.1',
      userAgent: 'Test/1.0',
      device: { label: 'Firefox on Linux', browser: 'Firefox', os: 'Linux', kind: 'DESKTOP' },
      refreshCount: 0,
      revokedAt: new Date(now - 5).toISOString(),
      revocationReason: 'LOGOUT',
    });
    const { stdout } = await latchkey(['sessions', 'list', '--user', ada.id], environment);
    expect(stdout).toContain('a\u00b7[2Jb');
    expect(stdout).not.toContain('\u001b');
  });

  it('ends those with the ids given, at once', async () => {
    const unknown = randomUUID();
    const args = ['sessions', 'revoke', sessions.phone.id, sessions.ended.id];
    const ended = await latchkeyJson(args, environment);
    expect({ count: ended.count, names: names(ended.sessions), unknown: ended.unknown }).toEqual({
      count: 1,
      names: ['phone'],
      unknown: [],
    });
    expect((await store.findSession(sessions.phone.id))?.revoked).toMatchObject({ reason: 'REVOKED_BY_ADMIN', by: null });
    const again = await latchkey([...args, unknown], environment);
    expect(again).toEqual({ code: 1, stdout: 'Ended 0 sessions. 2 sessions had ended before. 1 id unknown.\n', stderr: '' });
  });

  it('only tries a filter, until it is told yes', async () => {
    const args = ['sessions', 'revoke', '--agent', 'test/', '--role', 'admin', '--user', ada.id];
    const tried = await latchkeyJson(args, environment);
    expect(tried).toMatchObject({ count: 1, dryRun: true });
    expect(await alive()).toEqual(['phone', 'laptop', 'over', 'outside', 'hers']);
    const done = await latchkeyJson([...args, '--yes'], environment);
    expect({ ...done, sessions: names(done.sessions) }).toEqual({ count: 1, dryRun: false, sessions: ['laptop'], unknown: [] });
    expect(await alive()).toEqual(['phone', 'over', 'outside', 'hers']);
    expect(await latchkey(args, environment)).toEqual({ code: 1, stdout: 'No active session fits.\n', stderr: '' });
  });

  it('ends all of an account by its epoch', async () => {
    const done = await latchkeyJson(['sessions', 'revoke', '--user', ada.email, '--yes'], environment);
    expect({ count: done.count, names: names(done.sessions) }).toEqual({ count: 2, names: ['phone', 'laptop'] });
    const account = await store.findAccount(ada.id);
    expect(account).toMatchObject({ sessionEpoch: 2, sessionsEnded: { reason: 'REVOKED_BY_ADMIN', by: null } });
    expect(await alive()).not.toContain('laptop');
    expect(await alive()).toContain('hers');
  });

  it('refuses an empty filter and an unknown login', async () => {
    for (const args of [[], ['--yes'], ['--state', 'active', '--yes'], ['--agent', '', '--yes']]) {
      expect(await latchkey(['sessions', 'revoke', ...args], environment)).toMatchObject({ code: 2, stdout: '' });
    }
    const unknown = await latchkey(['sessions', 'revoke', '--user', 'nobody@example.com', '--yes'], environment);
    expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'There is no account with this login.\n' });
    expect(await alive()).toEqual(['phone', 'laptop', 'over', 'outside', 'hers']);
  });
});

describeStores('latchkey purge', (database) => {
  it('removes the records that are due, and says how many', async () => {
    const store = await database.open();
    const due = Array.from({ length: 7 }, () => recent({ purgeAt: now - 1_000 }));
    const kept = recent({});
    await Promise.all([...due, kept].map((session) => store.createSession(session)));
    const { removed } = await latchkeyJson(['purge'], testEnvironment(database.url));
    // MongoDB may have been faster with some of them.
    if (database.kind === 'sqlite') expect(removed).toBe(7);
    else expect(removed).toBeLessThanOrEqual(7);
    expect(await Promise.all([...due, kept].map(({ id }) => store.findSession(id)))).toEqual([...due.map(() => null), kept]);
  });
});

describe('an instant', () => {
  it.each(['yesterday', '2026-02-30', '2026-01-31T12:00', '1', ''])('is not %j', async (text) => {
    const { code, stderr } = await latchkey(['sessions', 'list', '--created-after', text], testEnvironment('sqlite::memory:'));
    expect({ code, isOneLine: /^[^\n]+ISO 8601[^\n]+\n$/.test(stderr) }).toEqual({ code: 2, isOneLine: true });
  });
});
