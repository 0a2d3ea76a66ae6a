import { beforeEach, describe, expect, it } from '@jest/globals';
import { Audit } from '../../src/auth/audit.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { AuditRecord } from '../../src/store/records.js';
import { aClock, anAudit, FakeTime, memoryStore, RecordingLog, storeWith } from '../support/factories.js';
import { anAuditQuery, day, minute, t0 } from '../support/records.js';

const from = (ipAddress: string) => ({ accountId: null, ipAddress, userAgent: 'Test/1.0' });
const failed = (accountId: string | null, ipAddress = '192.0.2.1') => ({ by: from(ipAddress), accountId });

let store: Store;
let time: FakeTime;
let log: RecordingLog;
beforeEach(async () => {
  store = await memoryStore();
  time = new FakeTime();
  log = new RecordingLog();
});
const written = async (): Promise<readonly AuditRecord[]> => (await store.listAudit(anAuditQuery(), { limit: 100, after: null })).rows;
const messages = () => log.lines.map(({ level, message }) => `${level}: ${message}`);

/** A store whose audit log is down until it is let go. */
function downStore() {
  let isDown = true;
  const failing = <Args extends unknown[]>(verb: (...args: Args) => Promise<void>) => {
    return async (...args: Args): Promise<void> => {
      if (isDown) throw new StoreUnavailableError();
      await verb(...args);
    };
  };
  return {
    down: storeWith(store, {
      appendAudit: failing((events) => store.appendAudit(events)),
      countAudit: failing((event) => store.countAudit(event)),
    }),
    recover: () => {
      isDown = false;
    },
  };
}

describe('an event before its act', () => {
  it('is written when the call comes back, with whom, where and when', async () => {
    await anAudit(store, time).before('SESSION_REVOKED', {
      by: { ...from('192.0.2.1'), accountId: 'ada' },
      accountId: 'eve',
      sessionId: 's',
    });
    expect(await written()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        createdAt: t0,
        type: 'SESSION_REVOKED',
        actorId: 'ada',
        accountId: 'eve',
        sessionId: 's',
        ipAddress: '192.0.2.1',
        userAgent: 'Test/1.0',
        count: 1,
        detail: {},
        purgeAt: t0 + 365 * day,
      },
    ]);
  });

  it.each([new StoreUnavailableError(), new TypeError('a fault')])('refuses the act when the store fails with %s', async (error) => {
    const audit = anAudit(storeWith(store, { appendAudit: () => Promise.reject(error) }), time);
    await expect(audit.before('SIGNUP', { by: null, accountId: 'ada' })).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it('may have company: more than one call of the store takes', async () => {
    const entries = Array.from({ length: 1_001 }, (_, index) => ({ by: null, accountId: `a${index}` }));
    await anAudit(store, time).beforeAll('SESSIONS_REVOKED', entries);
    expect((await store.sumAudit(['SESSIONS_REVOKED'], [t0, t0 + 1]))[0]).toEqual({ SESSIONS_REVOKED: 1_001 });
  });

  it.each([
    [0, 1],
    [86_399, 1],
    [10 * 86_400, 10],
  ])('is kept for a day at least: a history of %i s is %i days', async (auditHistorySeconds, days) => {
    const audit = new Audit({ store, clock: aClock(time), log, config: { auditHistorySeconds } });
    await audit.before('SIGNUP', { by: null, accountId: 'ada' });
    expect((await written())[0]?.purgeAt).toBe(t0 + days * day);
  });
});

describe('like events of one minute', () => {
  it('share a record by account and network, and no other does', async () => {
    const [one, other] = [anAudit(store, time), anAudit(store, time)];
    for (const address of ['192.0.2.1', '192.0.2.200', '2001:db8::1', '2001:db8::2']) one.count('LOGIN_FAILED', failed('ada', address));
    other.count('LOGIN_FAILED', failed('ada', '192.0.2.9'));
    one.count('LOGIN_FAILED', failed(null));
    one.count('LOGIN_THROTTLED', failed('ada'));
    one.count('LOGIN_FAILED', { ...failed('ada'), detail: { reason: 'ACCOUNT_DISABLED' } });
    await Promise.all([one.flush(), other.flush()]);
    time.move(minute);
    one.count('LOGIN_FAILED', failed('ada'));
    await one.flush();
    const rows = (await written()).map(({ type, accountId, count, ipAddress }) => `${type} ${accountId} ${ipAddress} ${count}`);
    expect(rows.sort()).toEqual([
      'LOGIN_FAILED ada 192.0.2.1 1',
      'LOGIN_FAILED ada 192.0.2.1 1',
      'LOGIN_FAILED ada 192.0.2.1 3',
      'LOGIN_FAILED ada 2001:db8::1 2',
      'LOGIN_FAILED null 192.0.2.1 1',
      'LOGIN_THROTTLED ada 192.0.2.1 1',
    ]);
  });

  it('are added up while they wait, so that a flood is one write', async () => {
    let calls = 0;
    const counted = storeWith(store, {
      countAudit: (event) => {
        calls += 1;
        return store.countAudit(event);
      },
    });
    const audit = anAudit(counted, time);
    for (let index = 0; index < 5_000; index += 1) audit.count('LOGIN_THROTTLED', failed(null));
    await audit.flush();
    expect({ calls, counts: (await written()).map(({ count }) => count) }).toEqual({ calls: 1, counts: [5_000] });
  });
});

describe('an event after its act', () => {
  it('waits while the store does not answer, and loses nothing that comes meanwhile', async () => {
    const { down, recover } = downStore();
    const audit = anAudit(down, time, log);
    audit.after('LOGOUT', { by: null, accountId: 'ada', sessionId: 's', detail: { reason: 'LOGOUT' } });
    audit.count('LOGIN_FAILED', failed('ada'));
    await audit.flush();
    audit.count('LOGIN_FAILED', failed('ada'));
    await audit.flush();
    expect(await written()).toEqual([]);
    expect(messages()).toContain('warn: events of the audit log could not be written; they are tried again');
    recover();
    await audit.flush();
    expect((await written()).map(({ type, count }) => `${type} ${count}`).sort()).toEqual(['LOGIN_FAILED 2', 'LOGOUT 1']);
  });

  it('is written though it is put at the very end of another writing', async () => {
    const audit = anAudit(store, time);
    audit.after('LOGOUT', { by: null, accountId: 'one' });
    await audit.flush().then(() => audit.after('LOGOUT', { by: null, accountId: 'two' }));
    await audit.flush();
    expect(await written()).toHaveLength(2);
  });

  it('is lost beyond 10,000 that wait, and the log says how many', async () => {
    const { down, recover } = downStore();
    const audit = anAudit(down, time, log);
    for (let index = 0; index < 10_003; index += 1) audit.after('LOGOUT', { by: null, accountId: 'ada' });
    expect(messages()).toEqual(['error: the audit log cannot be written: from now on events are lost']);
    recover();
    await audit.flush();
    expect((await store.sumAudit(['LOGOUT'], [t0, t0 + 1]))[0]).toEqual({ LOGOUT: 10_000 });
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', details: { events: 3 } });
  });

  it('is written by a stop or, where the store does not answer, lost with a word in the log', async () => {
    const audit = anAudit(store, time, log);
    audit.after('LOGOUT', { by: null, accountId: 'ada' });
    await audit.close();
    expect(await written()).toHaveLength(1);
    const { down } = downStore();
    const other = anAudit(down, time, log);
    other.after('LOGOUT', { by: null, accountId: 'ada' });
    await other.close();
    expect(log.lines.at(-1)).toMatchObject({
      level: 'error',
      details: { events: 1 },
      message: 'events of the audit log were lost at the stop',
    });
  });
});
