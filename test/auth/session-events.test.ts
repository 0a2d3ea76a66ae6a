import { beforeEach, describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/auth/errors.js';
import { type ConnectionEnd, LiveViewer } from '../../src/auth/live-viewers.js';
import { SessionEvents } from '../../src/auth/session-events.js';
import type { SignedIn, Viewer } from '../../src/auth/viewer.js';
import type { SessionChange, SessionListener, Store } from '../../src/store/port.js';
import { aClock, FakeTime, memoryStore, RecordingLog, storeWith } from '../support/factories.js';
import { anAccount, aSession, t0 } from '../support/records.js';

const account = anAccount();
const session = aSession({ accountId: account.id });
const change = (overrides: Partial<SessionChange> = {}): SessionChange => ({
  kind: 'REFRESHED',
  sessionId: session.id,
  accountId: account.id,
  at: t0,
  ...overrides,
});
const signedIn = (overrides: Partial<SignedIn> = {}): SignedIn => ({
  kind: 'account',
  accountId: account.id,
  roles: [],
  permissions: [],
  sessionId: session.id,
  authenticatedAt: t0,
  epoch: 1,
  ...overrides,
});
const reader = signedIn({ permissions: ['sessions:read'] });

/** Somebody connected, who is whatever the test says. */
function connect(first: SignedIn) {
  const state = { viewer: first as Viewer, ends: [] as ConnectionEnd[], left: 0 };
  const live: LiveViewer = new LiveViewer(first, {
    settle: async () => state.viewer,
    onEnd: (end) => void state.ends.push(end),
    leave: () => {
      state.left += 1;
    },
    subscriptionsOfAccount: () => live.subscriptions,
  });
  return { live, state };
}

let listener: SessionListener | null;
let opened: number;
let closed: number;
let reads: string[];
let events: SessionEvents;
let log: RecordingLog;
let watch: Store['watchSessions'];
beforeEach(async () => {
  const store = await memoryStore();
  await store.createAccount(account);
  await store.createSession(session);
  listener = null;
  [opened, closed, reads] = [0, 0, []];
  watch = async (given) => {
    listener = given;
    return {
      close: async () => {
        closed += 1;
      },
    };
  };
  const counted = storeWith(store, {
    watchSessions: (given) => {
      opened += 1;
      return watch(given);
    },
    findSession: (id) => {
      reads.push('findSession');
      return store.findSession(id);
    },
    findAccount: (id) => {
      reads.push('findAccount');
      return store.findAccount(id);
    },
  });
  log = new RecordingLog();
  events = new SessionEvents({ store: counted, clock: aClock(new FakeTime()), log });
});

describe('the feed of the store', () => {
  it('is open while somebody follows, once for all of them', async () => {
    expect(opened).toBe(0);
    const [one, other] = await Promise.all([
      events.subscribe(connect(signedIn()).live, false),
      events.subscribe(connect(reader).live, true),
    ]);
    expect([opened, closed]).toEqual([1, 0]);
    await one.return();
    expect(closed).toBe(0);
    await other.return();
    await other.return();
    await Promise.resolve();
    expect([opened, closed]).toEqual([1, 1]);
    await events.subscribe(connect(signedIn()).live, false);
    expect(opened).toBe(2);
  });

  it('that is lost ends every subscription with SERVICE_UNAVAILABLE, and is opened again by the next', async () => {
    const subscription = await events.subscribe(connect(signedIn()).live, false);
    const next = subscription.next();
    listener?.onLost(new Error('cut'));
    await expect(next).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    await events.subscribe(connect(signedIn()).live, false);
    expect(opened).toBe(2);
  });

  it('that cannot be opened refuses the subscription, and the next one tries again', async () => {
    watch = async () => {
      throw new Error('down');
    };
    await expect(events.subscribe(connect(signedIn()).live, false)).rejects.toThrow('down');
    watch = async () => null;
    await expect(events.subscribe(connect(signedIn()).live, false)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(opened).toBe(2);
    expect(log.lines.map(({ level }) => level)).toEqual(['error']);
  });
});

describe('an event', () => {
  it('costs one read of session and account, however many follow, and no other call', async () => {
    const subscriptions = await Promise.all(
      Array.from({ length: 5 }, (_, index) => events.subscribe(connect(index === 0 ? reader : signedIn()).live, index === 0)),
    );
    listener?.onChange(change());
    const told = await Promise.all(subscriptions.map((subscription) => subscription.next()));
    for (const { value } of told) expect(value).toMatchObject({ type: 'REFRESHED', at: t0, session: { id: session.id, state: 'ACTIVE' } });
    expect(reads).toEqual(['findSession', 'findAccount']);
  });

  it('of somebody else, or of a session that is gone, is not told', async () => {
    const subscription = await events.subscribe(connect(signedIn()).live, false);
    listener?.onChange(change({ accountId: 'another' }));
    listener?.onChange(change({ sessionId: 'gone' }));
    listener?.onChange(change({ kind: 'CREATED' }));
    expect((await subscription.next()).value?.type).toBe('CREATED');
  });

  it('is not told to who lost the right, nor to who is nobody any more', async () => {
    const { live, state } = connect(reader);
    const subscription = await events.subscribe(live, true);
    state.viewer = signedIn();
    listener?.onChange(change());
    await expect(subscription.next()).rejects.toMatchObject({ code: 'FORBIDDEN' });

    const other = connect(signedIn());
    const own = await events.subscribe(other.live, false);
    other.state.viewer = { kind: 'anonymous', reason: 'REVOKED', sessionId: session.id };
    listener?.onChange(change());
    await expect(own.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', details: { reason: 'REVOKED' } });
    expect(other.state).toMatchObject({ ends: [{ kind: 'nobody', viewer: { reason: 'REVOKED' } }], left: 1 });
  });

  it('is not told while it cannot be known who follows', async () => {
    const { live, state } = connect(signedIn());
    const subscription = await events.subscribe(live, false);
    state.viewer = { kind: 'unavailable' };
    listener?.onChange(change());
    await expect(subscription.next()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(state.ends).toEqual([]);
  });

  it('that is the 101st to wait means that the connection is too slow', async () => {
    const { live, state } = connect(signedIn());
    const subscription = await events.subscribe(live, false);
    for (let count = 0; count < 100; count += 1) listener?.onChange(change());
    expect(state.ends).toEqual([]);
    listener?.onChange(change());
    expect(state.ends).toEqual([{ kind: 'too-slow' }]);
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a subscription', () => {
  it("to everybody's needs the right, and ends at once when a look finds that it is lost", async () => {
    await expect(events.subscribe(connect(signedIn()).live, true)).rejects.toEqual(new AuthError('FORBIDDEN'));
    const { live, state } = connect(reader);
    const subscription = await events.subscribe(live, true);
    const next = subscription.next();
    state.viewer = signedIn();
    await live.look();
    await expect(next).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('that is given back while it waits ends', async () => {
    const subscription = await events.subscribe(connect(signedIn()).live, false);
    const next = subscription.next();
    await events.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
