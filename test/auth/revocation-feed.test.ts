import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RevocationFeed } from '../../src/auth/revocation-feed.js';
import { ReadThroughCheck } from '../../src/auth/revocations.js';
import { SessionUses } from '../../src/auth/session-uses.js';
import type { Change, ChangeFeed, ChangeListener, Store } from '../../src/store/port.js';
import type { SessionUse } from '../../src/store/queries.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { aClock, FakeTime, memoryStore, RecordingLog, storeWith } from '../support/factories.js';
import { anAccount, anEnding, aSession, day, t0 } from '../support/records.js';

const second = 1_000;
const config = { accessTokenTtlSeconds: 3_600 };
const purgeAt = t0 + 100 * day;

/** A store whose feed the test plays, and whose reads are counted. */
class Stage {
  readonly time = new FakeTime();
  readonly log = new RecordingLog();
  listener: ChangeListener | null = null;
  reads = 0;
  opened = 0;
  beats = 0;
  keys = 0;
  readonly uses: SessionUse[] = [];
  readonly metered: unknown[] = [];
  recent: () => Promise<Change[]> = async () => [];
  watch: (listener: ChangeListener) => Promise<ChangeFeed | null> = async (listener) => {
    this.listener = listener;
    return { catchUp: () => undefined, close: async () => undefined };
  };
  readonly feed: RevocationFeed;

  constructor(readonly store: Store) {
    const clock = aClock(this.time);
    const counted = storeWith(store, {
      findCurrent: (...args) => {
        this.reads += 1;
        return store.findCurrent(...args);
      },
      watchChanges: (listener) => {
        this.opened += 1;
        return this.watch(listener);
      },
      recentChanges: () => this.recent(),
      beat: async () => {
        this.beats += 1;
      },
      recordUses: async (uses) => void this.uses.push(...uses),
    });
    const uses = new SessionUses({ store: counted, log: this.log });
    this.flush = () => uses.flush();
    this.feed = new RevocationFeed({
      store: counted,
      clock,
      monotonic: this.time.monotonic,
      wall: this.time.wall,
      readThrough: new ReadThroughCheck({ store: counted, clock, uses }),
      uses,
      onKeysChanged: () => {
        this.keys += 1;
      },
      meter: { revocationsSeen: (...seen) => void this.metered.push(seen) },
      log: this.log,
      config,
    });
  }
  readonly flush: () => Promise<void>;

  tell(change: Change): void {
    this.listener?.onChange(change);
  }
  beat(at: number | null = this.time.wall()): void {
    this.tell({ kind: 'beat', at });
  }
  /** Time goes by, and the feed's own timers run. */
  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.time.move(100);
      await jest.advanceTimersByTimeAsync(100);
    }
  }
  async start(): Promise<void> {
    await this.feed.start();
    this.beat();
  }
}

let account: AccountRecord;
let session: SessionRecord;
let stage: Stage;
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance', 'nextTick'] });
  const store = await memoryStore();
  account = anAccount({ roles: ['support'] });
  session = aSession({ accountId: account.id });
  await store.createAccount(account);
  await store.createSession(session);
  stage = new Stage(store);
});
afterEach(async () => {
  await stage.feed.close();
  jest.useRealTimers();
});

const claims = (overrides = {}) => ({
  iss: 'i',
  aud: 'a',
  sub: account.id,
  sid: session.id,
  gen: 0,
  ver: account.version,
  epoch: account.sessionEpoch,
  client_id: 'latchkey',
  iat: t0 / second,
  exp: t0 / second + 3_600,
  auth_time: t0 / second,
  jti: 'j',
  roles: ['support'],
  scope: '',
  email_verified: false,
  ...overrides,
});
const check = (overrides = {}) => stage.feed.check(claims(overrides));
const alive = (roles: string[] = ['support'], version = 1) => ({ kind: 'alive', roles, version });
const standing = (overrides: Partial<AccountRecord> = {}): Change => {
  const { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled } = { ...account, ...overrides };
  return { kind: 'account-changed', account: { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled, deleted: false } };
};
const revocation: Change = { kind: 'session-revoked', sessionId: 'told', ending: anEnding() };

describe('while the feed is proven', () => {
  beforeEach(() => stage.start());

  it('a token is judged without any call of the store', async () => {
    expect(stage.feed.mode).toBe('feed');
    for (let count = 0; count < 100; count += 1) expect(await check()).toEqual(alive());
    expect(stage.reads).toBe(0);
  });

  it('a token of a session that was revoked is refused from the moment that it is told, with the first ending told', async () => {
    expect(await check({ sid: 'told' })).toEqual(alive());
    stage.tell(revocation);
    stage.tell({ ...revocation, ending: anEnding({ reason: 'LOGOUT' }) });
    expect(await check({ sid: 'told' })).toEqual({ kind: 'ended', ended: { kind: 'revoked', ...anEnding() } });
    expect(await check()).toEqual(alive());
  });

  it('"end all" ends the tokens of before, also of a session made by an older epoch, and not those of after', async () => {
    stage.tell(standing({ version: 2, sessionEpoch: 2, sessionsEnded: anEnding({ reason: 'PASSWORD_RESET' }) }));
    expect(await check()).toMatchObject({ kind: 'ended', ended: { reason: 'PASSWORD_RESET' } });
    expect(await check({ epoch: 2, ver: 2 })).toEqual(alive(['support'], 2));
  });

  it('"end all but this" spares this one, whichever epoch its token names, until the next "end all"', async () => {
    stage.tell(standing({ version: 2, sessionEpoch: 2, keptSessionId: session.id, sessionsEnded: anEnding() }));
    expect(await check()).toEqual(alive(['support'], 2));
    expect(await check({ sid: 'another' })).toMatchObject({ kind: 'ended' });
    stage.tell(standing({ version: 3, sessionEpoch: 3, keptSessionId: null, sessionsEnded: anEnding() }));
    expect(await check()).toMatchObject({ kind: 'ended' });
    expect(await check({ epoch: 2, ver: 2 })).toMatchObject({ kind: 'ended' });
  });

  it('rights are those of now, and nobody is signed out for a change of them', async () => {
    stage.tell(standing({ version: 2, roles: ['user'] }));
    expect(await check()).toEqual(alive(['user'], 2));
    expect(await check({ ver: 3, roles: ['admin'] })).toEqual(alive(['admin'], 3));
    stage.tell(standing({ version: 1, roles: ['support'] }));
    expect(await check()).toEqual(alive(['user'], 2));
  });

  it('a disabled account is refused, until its time is over', async () => {
    const disabled = { at: t0, until: t0 + day, reason: null };
    stage.tell(standing({ version: 2, disabled }));
    expect(await check({ ver: 2 })).toMatchObject({ kind: 'ended', ended: { reason: 'ACCOUNT_DISABLED', at: t0 } });
    stage.time.move(day);
    stage.beat();
    expect(await check({ ver: 2 })).toEqual(alive(['support'], 2));
  });

  it('entries stay for as long as a token may live, and go after that', async () => {
    stage.tell(revocation);
    stage.tell(standing({ version: 2 }));
    await stage.pass(second);
    stage.time.move((3_600 + 30) * second);
    stage.beat();
    expect(await check({ sid: 'told' })).toMatchObject({ kind: 'ended' });
    stage.time.move(120 * second);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(stage.feed.size).toBe(0);
  });

  it('an operator can see mode, lag and size', async () => {
    stage.tell(revocation);
    await stage.pass(300);
    expect(stage.metered.at(-1)).toEqual(['feed', 0.3, 1]);
    stage.listener?.onLost(new Error('gone'));
    await stage.pass(100);
    expect(stage.metered.at(-1)).toEqual(['read_through', null, 1]);
  });

  it('entries stay though a clock stepped back: tokens live longer then, by the same clock', async () => {
    stage.tell(revocation);
    stage.time.leap(-3_600 * second);
    stage.time.move(3_800 * second);
    await jest.advanceTimersByTimeAsync(10_000);
    stage.beat();
    expect(await check({ sid: 'told' })).toMatchObject({ kind: 'ended' });
  });

  it('a change of keys is passed on', () => {
    const before = stage.keys;
    stage.tell({ kind: 'keys-changed' });
    expect(stage.keys).toBe(before + 1);
  });

  it('uses are noted: the first of each generation, and one a minute', async () => {
    await check();
    await check();
    await check({ gen: 1 });
    await check({ gen: 0 });
    await stage.flush();
    stage.time.move(60 * second);
    stage.beat();
    await check({ gen: 1 });
    await check({ gen: 1 });
    await stage.flush();
    expect(stage.uses).toEqual([
      { sessionId: session.id, generation: 1, at: t0 },
      { sessionId: session.id, generation: 1, at: t0 + 60 * second },
    ]);
  });
});

describe('the proof', () => {
  it('is a beat: before the first one every token is read for', async () => {
    await stage.feed.start();
    expect(stage.feed.mode).toBe('read_through');
    expect(await check()).toEqual(alive());
    expect(stage.reads).toBe(1);
    stage.beat();
    await check();
    expect(stage.reads).toBe(1);
  });

  it('lasts for 1.5 s, judged at each request by the monotonic clock', async () => {
    await stage.start();
    stage.time.leap(-day);
    stage.time.move(1_500);
    expect(stage.feed.mode).toBe('feed');
    stage.time.move(1);
    expect(stage.feed.mode).toBe('read_through');
    await stage.store.revoke(session.id, null, anEnding(), purgeAt);
    expect(await check()).toMatchObject({ kind: 'ended' });
  });

  it('does not outlive a sleep of the machine, in which the monotonic clock stands still', async () => {
    await stage.start();
    stage.time.leap(3_600 * second);
    expect(stage.feed.mode).toBe('read_through');
    stage.beat();
    expect(stage.feed.mode).toBe('feed');
  });

  it('is no beat from the future: who sees one has a clock that is behind, and cannot tell how old it is', async () => {
    await stage.feed.start();
    stage.beat(stage.time.wall() + 201);
    expect(stage.feed.mode).toBe('read_through');
    stage.beat(stage.time.wall() + 100);
    expect(stage.feed.mode).toBe('feed');
  });

  it('counts from when the beat was struck: a feed that is late by 2 s proves nothing, however regular its beats', async () => {
    await stage.feed.start();
    for (let count = 0; count < 10; count += 1) {
      await stage.pass(500);
      stage.beat(stage.time.wall() - 2 * second);
      expect(stage.feed.mode).toBe('read_through');
    }
  });

  it('is asked for when no beat has been seen for half a second, and not while beats come', async () => {
    await stage.start();
    expect(stage.beats).toBe(1);
    for (let count = 0; count < 10; count += 1) {
      await stage.pass(400);
      stage.beat();
    }
    expect(stage.beats).toBe(1);
    await stage.pass(2_000);
    expect(stage.beats).toBeGreaterThanOrEqual(3);
    expect(stage.beats).toBeLessThanOrEqual(5);
  });
});

describe('a feed that is lost', () => {
  it('means reading at once; it is opened again by itself, and what happened meanwhile is known', async () => {
    await stage.start();
    await stage.store.revoke(session.id, null, anEnding(), purgeAt);
    stage.recent = async () => [{ kind: 'session-revoked', sessionId: session.id, ending: anEnding() }];
    stage.listener?.onLost(new Error('the resume position is gone'));
    expect(stage.feed.mode).toBe('read_through');
    expect(await check()).toMatchObject({ kind: 'ended' });
    expect(stage.reads).toBe(1);
    await stage.pass(300);
    stage.beat();
    expect(stage.opened).toBe(2);
    expect(stage.feed.mode).toBe('feed');
    expect(await check()).toMatchObject({ kind: 'ended' });
    expect(stage.reads).toBe(1);
  });

  it('is tried again ever more slowly, at most every 5 s, without an end', async () => {
    stage.watch = () => Promise.reject(new Error('down'));
    await stage.start();
    await stage.pass(60 * second);
    expect(stage.opened).toBeGreaterThan(12);
    expect(stage.opened).toBeLessThan(25);
    stage.watch = async (listener) => {
      stage.listener = listener;
      return { catchUp: () => undefined, close: async () => undefined };
    };
    await stage.pass(6 * second);
    stage.beat();
    expect(stage.feed.mode).toBe('feed');
  });

  it('in the middle of its opening leaves nothing half-filled', async () => {
    stage.recent = async () => {
      stage.listener?.onLost(new Error('lost while loading'));
      return [];
    };
    await stage.start();
    expect(stage.feed.mode).toBe('read_through');
  });

  it('that cannot be filled is not relied on', async () => {
    stage.recent = () => Promise.reject(new Error('the query failed'));
    await stage.start();
    expect(stage.feed.mode).toBe('read_through');
    stage.recent = async () => [];
    await stage.pass(2 * second);
    stage.beat();
    expect(stage.feed.mode).toBe('feed');
  });

  it('that falls silent for 10 s is taken for dead and opened anew', async () => {
    await stage.start();
    await stage.pass(12 * second);
    expect(stage.opened).toBeGreaterThan(1);
  });

  it('where the database has none, every token is read for, and nobody asks again and again', async () => {
    stage.watch = async () => null;
    await stage.start();
    await stage.pass(60 * second);
    expect(stage.opened).toBe(1);
    expect(await check()).toEqual(alive());
    expect(stage.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('what is told before the filling', () => {
  it('is not lost, and not overwritten by an older state', async () => {
    stage.recent = async () => {
      stage.tell(standing({ version: 3, roles: ['admin'] }));
      stage.tell(revocation);
      return [standing({ version: 2, roles: ['user'] })];
    };
    await stage.start();
    expect(await check()).toEqual(alive(['admin'], 3));
    expect(await check({ sid: 'told' })).toMatchObject({ kind: 'ended' });
  });
});

describe('a feed that was away for a minute', () => {
  it('is proven again by a beat that this node strikes itself when it is open', async () => {
    await stage.start();
    stage.listener?.onLost(new Error('gone'));
    stage.watch = () => Promise.reject(new Error('down'));
    await stage.pass(60 * second);
    stage.watch = async (listener) => {
      stage.listener = listener;
      return { catchUp: () => undefined, close: async () => undefined };
    };
    const [opened, beats] = [stage.opened, stage.beats];
    await stage.pass(6 * second);
    expect({ opened: stage.opened, struck: stage.beats > beats }).toEqual({ opened: opened + 1, struck: true });
    stage.beat();
    expect(stage.feed.mode).toBe('feed');
  });
});

describe('more than 200,000 entries', () => {
  it('are not kept: the node reads until they are fewer', async () => {
    await stage.start();
    for (let index = 0; index <= 200_000; index += 1) stage.tell({ ...revocation, sessionId: `${index}` });
    stage.beat();
    expect({ mode: stage.feed.mode, size: stage.feed.size }).toEqual({ mode: 'read_through', size: 0 });
    expect(await check()).toEqual(alive());
    expect(stage.reads).toBe(1);
    await stage.pass(31 * second);
    stage.beat();
    expect(stage.feed.mode).toBe('feed');
  });
});
