import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Throttle } from '../../src/auth/throttle.js';
import { leaseMs } from '../../src/auth/throttle-decision.js';
import { accountQuotas, networkQuotas, passwordLimits } from '../../src/auth/throttle-limits.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { TallyRecord } from '../../src/store/records.js';
import { aThrottle, FakeTime, memoryStore, RecordingLog, storeWith } from '../support/factories.js';
import { describeStores } from '../support/stores.js';

const right = async () => true;
const wrong = async () => false;
const from = (ipAddress: string | null) => ({ ipAddress });
const here = from('192.0.2.1');
const aLogin = () => `${randomUUID()}@example.com`;

/** `right`, `wrong`, the seconds to wait, or the name of the error. */
async function outcome(attempt: Promise<boolean>): Promise<string | number> {
  try {
    return (await attempt) ? 'right' : 'wrong';
  } catch (error) {
    const { code, details, name } = error as { code?: string; details?: { retryAfter?: number }; name: string };
    return code === 'RATE_LIMITED' ? Number(details?.retryAfter) : name;
  }
}

/** Passwords that were compared, whoever asked. */
class Guesses {
  evaluated = 0;
  constructor(private readonly throttles: readonly Throttle[]) {}

  /** The nth attempt goes to the nth process, round and round. */
  guess(nth: number, accountId: string | null, request = here, login = 'a login', compare = wrong): Promise<string | number> {
    const throttle = this.throttles[nth % this.throttles.length] as Throttle;
    return outcome(
      throttle.passwordAttempt(login, accountId, request, () => {
        this.evaluated += 1;
        return compare();
      }),
    );
  }
}

/** A busy machine may put off some that might have been evaluated, and never evaluates one too many. */
async function atLeast(evaluated: number, guesses: Guesses, flood: () => Promise<unknown>): Promise<void> {
  for (let rounds = 0; guesses.evaluated < evaluated && rounds < 50; rounds += 1) await flood();
}

/** As in earnest, with less to write until they are reached. */
const lower = {
  ...passwordLimits,
  account: { ...passwordLimits.account, free: 20 },
  network: { ...passwordLimits.network, free: 40 },
};

describeStores('Three processes with one store', (database) => {
  const time = new FakeTime();
  const three = async () => {
    const stores = await Promise.all([database.open(), database.open(), database.open()]);
    return stores.map((store) => aThrottle(store, time, new RecordingLog(), true, lower));
  };

  it('evaluate five of a thousand parallel guesses at one account from one network, then one a delay', async () => {
    const guesses = new Guesses(await three());
    const account = randomUUID();
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, nth) => guesses.guess(nth, account, from(`192.0.2.${nth % 256}`), `alias ${nth}`)),
    );
    expect(guesses.evaluated).toBe(5);
    expect(outcomes.filter((one) => one === 'wrong')).toHaveLength(5);
    expect(outcomes.filter((one) => one === 1)).toHaveLength(995);
    for (const seconds of [1, 2, 4, 8]) {
      time.move(seconds * 1000 - 1);
      expect(await guesses.guess(seconds, account)).toBe(1);
      time.move(1);
      const more = await Promise.all(Array.from({ length: 30 }, (_, nth) => guesses.guess(nth, account)));
      expect(more.filter((one) => one === 'wrong')).toHaveLength(1);
    }
    expect(guesses.evaluated).toBe(9);
  });

  it('let sixteen parallel correct sign-ins in, right after wrong ones too', async () => {
    const guesses = new Guesses(await three());
    for (const failures of [0, 4, 5]) {
      const account = randomUUID();
      for (let nth = 0; nth < failures; nth += 1) await guesses.guess(nth, account);
      time.move(1_000);
      const compare = () => new Promise<boolean>((resolve) => setImmediate(() => resolve(true)));
      const all = await Promise.all(Array.from({ length: 16 }, (_, nth) => guesses.guess(nth, account, here, '', compare)));
      expect(all).toEqual(Array.from({ length: 16 }, () => 'right'));
    }
  });

  it('hold up an account after so many wrong ones from everywhere, but not where its owner signed in before', async () => {
    const throttles = await three();
    const guesses = new Guesses(throttles);
    const account = randomUUID();
    const home = from('198.51.100.7');
    const signedUpAt = from('203.0.113.7');
    await throttles[0]?.acquaint(account, signedUpAt);
    expect(await guesses.guess(0, account, home, '', right)).toBe('right');
    const flood = () => Promise.all(Array.from({ length: 60 }, (_, nth) => guesses.guess(nth, account, from(`10.0.${nth % 20}.1`))));
    await atLeast(21, guesses, flood);
    expect(guesses.evaluated).toBe(21);
    expect(await guesses.guess(1, account, from('10.1.0.1'), '', right)).toBe(1);
    for (const known of [home, signedUpAt, from('198.51.100.99')]) expect(await guesses.guess(2, account, known, '', right)).toBe('right');
    // Their success forgives nothing of what others did.
    expect(await guesses.guess(1, account, from('10.1.0.1'), '', right)).toBe(1);
    // Nor is the owner's network a way around: five wrong ones, as anywhere.
    const atHome = [];
    for (let nth = 0; nth < 6; nth += 1) atHome.push(await guesses.guess(nth, account, home));
    expect(atHome).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 1]);
    time.move(passwordLimits.account.windowMs);
    expect(await guesses.guess(1, account, from('10.1.0.1'), '', right)).toBe('right');
  });

  it('hold up a network after so many wrong ones for whomever, and no other', async () => {
    const guesses = new Guesses(await three());
    const network = from('172.16.0.1');
    const strangers = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, nth) => guesses.guess(nth, null, network, aLogin())));
    await atLeast(40, guesses, () => strangers(31));
    expect(await strangers(10)).toEqual(Array.from({ length: 10 }, () => 1));
    expect(guesses.evaluated).toBe(40);
    expect(await guesses.guess(0, randomUUID(), from('172.16.1.1'), '', right)).toBe('right');
    time.move(passwordLimits.network.windowMs);
    expect(await guesses.guess(0, randomUUID(), network, '', right)).toBe('right');
  });

  it('keep one quota of sign-ups', async () => {
    const throttles = await three();
    const asked = Array.from({ length: 90 }, (_, nth) =>
      outcome((throttles[nth % 3] as Throttle).network('signup', here).then(() => true)),
    );
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((one) => one === 'right')).toHaveLength(networkQuotas.signup.limit);
    expect(outcomes.filter((one) => typeof one === 'number' && one >= 1 && one <= 3_600)).toHaveLength(30);
    expect(await outcome((throttles[0] as Throttle).network('reset', here).then(() => true))).toBe('right');
    time.move(networkQuotas.signup.windowMs);
    expect(await outcome((throttles[0] as Throttle).network('signup', here).then(() => true))).toBe('right');
  });

  it('lose what is under way in one that dies, and nobody is kept out for longer than its lease', async () => {
    const [dying, living] = await three();
    const account = randomUUID();
    const dead = new Guesses([dying as Throttle]);
    const never = () => new Promise<boolean>(() => {});
    for (let nth = 0; nth < 5; nth += 1) void dead.guess(0, account, here, '', never);
    while (dead.evaluated < 5) await new Promise((resolve) => setImmediate(resolve));
    const guesses = new Guesses([living as Throttle]);
    const owner = guesses.guess(0, account, here, '', right);
    time.move(leaseMs);
    expect(await owner).toBe('right');
    expect(guesses.evaluated).toBe(1);
  });
});

describe('An attempt', () => {
  let time: FakeTime;
  let store: Store;
  let log: RecordingLog;
  let throttle: Throttle;
  beforeEach(async () => {
    time = new FakeTime();
    log = new RecordingLog();
    store = await memoryStore();
    throttle = aThrottle(store, time, log);
  });
  const times = async (count: number, attempt: () => Promise<string | number>) => {
    const outcomes: (string | number)[] = [];
    for (let nth = 0; nth < count; nth += 1) outcomes.push(await attempt());
    return outcomes;
  };
  const attempt = (accountId: string | null, request = here, compare = wrong, login = 'x') =>
    outcome(throttle.passwordAttempt(login, accountId, request, compare));

  it('at an unknown login fares as one at a known one, however the login is written', async () => {
    const login = aLogin();
    const spellings = [login, ` ${login} `, login.toUpperCase()];
    let nth = 0;
    const unknown = await times(7, () => attempt(null, here, wrong, spellings[nth++ % 3]));
    const known = await times(7, () => attempt('ada'));
    expect(unknown).toEqual(known);
    expect(unknown).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 1, 1]);
    expect(await attempt(null, here, wrong, aLogin())).toBe('wrong');
  });

  it.each([
    ['192.0.2.1', '192.0.2.254', '192.0.3.1'],
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:2::1'],
    ['::ffff:192.0.2.1', '192.0.2.9', '::ffff:192.0.3.1'],
  ])('from %s counts for %s, not for %s', async (one, neighbour, stranger) => {
    await times(5, () => attempt('ada', from(one)));
    expect(await attempt('ada', from(neighbour))).toBe(1);
    expect(await attempt('ada', from(stranger))).toBe('wrong');
    expect(await attempt('bob', from(neighbour))).toBe('wrong');
  });

  it('that succeeds forgives those before it', async () => {
    await times(4, () => attempt('ada'));
    expect(await attempt('ada', here, right)).toBe('right');
    expect(await times(6, () => attempt('ada'))).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 1]);
  });

  it('that got no hashing thread does not count, one that failed inside does', async () => {
    const { AuthError } = await import('../../src/auth/errors.js');
    const busy = () => Promise.reject(new AuthError('RATE_LIMITED', { retryAfter: 7 }));
    expect(await times(20, () => attempt('ada', here, busy))).toEqual(Array.from({ length: 20 }, () => 7));
    const broken = () => Promise.reject(new TypeError('a fault'));
    expect(await times(6, () => attempt('ada', here, broken))).toEqual([...Array.from({ length: 5 }, () => 'TypeError'), 1]);
  });

  it('of somebody who proved by mail to be the person is forgiven from there, and the networks of before are strange', async () => {
    const [home, intruder] = [from('198.51.100.7'), from('203.0.113.7')];
    await throttle.acquaint('ada', intruder);
    await times(6, () => attempt('ada', home));
    expect(await attempt('ada', home)).toBe(1);
    await throttle.startOver('ada', home);
    expect(await attempt('ada', home)).toBe('wrong');
    for (let nth = 0; nth < 130; nth += 1) await attempt('ada', from(`10.0.${nth}.1`));
    expect(await attempt('ada', from('10.9.9.1'), right)).toBe(1);
    expect(await attempt('ada', intruder, right)).toBe(1);
    expect(await attempt('ada', home, right)).toBe('right');
  });

  it.each(Object.keys(accountQuotas) as (keyof typeof accountQuotas)[])('counts %s by account', async (kind) => {
    const act = (id: string) => outcome(throttle.account(kind, id).then(() => true));
    const { limit, windowMs } = accountQuotas[kind];
    expect(await times(limit, () => act('ada'))).toEqual(Array.from({ length: limit }, () => 'right'));
    expect(await act('ada')).toBe(windowMs / 1_000);
    expect(await act('bob')).toBe('right');
    time.move(windowMs);
    expect(await act('ada')).toBe('right');
  });

  it('refused costs no write', async () => {
    await times(5, () => attempt('ada'));
    let writes = 0;
    const counted = storeWith(store, {
      replaceTally: (...args) => {
        writes += 1;
        return store.replaceTally(...args);
      },
    });
    const other = aThrottle(counted, time);
    await Promise.all(Array.from({ length: 100 }, () => outcome(other.passwordAttempt('x', 'ada', here, wrong))));
    expect(writes).toBe(0);
  });

  it('leaves nothing in the store that names anybody, and as little as need be', async () => {
    const written: TallyRecord[] = [];
    const watched = storeWith(store, {
      replaceTally: (tally, stamp) => {
        written.push(tally);
        return store.replaceTally(tally, stamp);
      },
    });
    const watchedThrottle = aThrottle(watched, time);
    const login = aLogin();
    await outcome(watchedThrottle.passwordAttempt(login, null, here, wrong));
    await outcome(watchedThrottle.passwordAttempt(login, 'the id of ada', here, right));
    await watchedThrottle.network('signup', here);
    expect(written.length).toBeGreaterThanOrEqual(13);
    const text = JSON.stringify(written);
    for (const name of [login, 'the id of ada', '192.0', 'example']) expect(text).not.toContain(name);
    expect(await store.purge(time.wall() + 2 * passwordLimits.account.windowMs, 100)).toBe(5);
    expect(await store.purge(time.wall() + 91 * 86_400_000, 100)).toBe(1);
  });

  it('is refused where it cannot be counted, and nothing is compared', async () => {
    const down = storeWith(store, { findTallies: () => Promise.reject(new StoreUnavailableError()) });
    const other = aThrottle(down, time, log);
    let compared = 0;
    const compare = async () => {
      compared += 1;
      return true;
    };
    expect(await outcome(other.passwordAttempt('x', 'ada', here, compare))).toBe('StoreUnavailableError');
    for (const kind of ['signup', 'reset', 'verification'] as const) {
      expect(await outcome(other.network(kind, here).then(() => true))).toBe('StoreUnavailableError');
    }
    for (let nth = 0; nth < 300; nth += 1) await other.network('refresh', here);
    await other.close();
    await other.acquaint('ada', here);
    expect(compared).toBe(0);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn']);
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'whose write number %i is lost on the way counts at most as wrong, and keeps nobody out for long',
    async (nth) => {
      for (const fault of ['before', 'after'] as const) {
        const account = randomUUID();
        const guesses = (over: Throttle) => new Guesses([over]);
        let writes = 0;
        const faulty = storeWith(store, {
          replaceTally: async (...args) => {
            const isHit = writes++ === nth;
            if (isHit && fault === 'before') throw new StoreUnavailableError();
            const done = await store.replaceTally(...args);
            if (isHit) throw new StoreUnavailableError();
            return done;
          },
        });
        const first = guesses(aThrottle(faulty, time, log));
        expect(await first.guess(0, account)).toBe('StoreUnavailableError');
        expect(first.evaluated).toBe(nth < 3 ? 0 : 1);
        time.move(leaseMs);
        const later = guesses(throttle);
        await Promise.all(Array.from({ length: 20 }, () => later.guess(0, account)));
        const evaluated = first.evaluated + later.evaluated;
        expect(evaluated).toBeLessThanOrEqual(5);
        expect(evaluated).toBeGreaterThanOrEqual(4);
        time.move(1_000);
        expect(await later.guess(0, account, here, '', right)).toBe('right');
      }
    },
  );

  it('with throttling off is not counted', async () => {
    const off = aThrottle(store, time, log, false);
    expect(await times(50, () => outcome(off.passwordAttempt('x', 'ada', here, wrong)))).toEqual(Array.from({ length: 50 }, () => 'wrong'));
    for (let nth = 0; nth < 100; nth += 1) await off.network('signup', here);
    expect(await store.purge(Number.MAX_SAFE_INTEGER, 1)).toBe(0);
  });
});

describe('Refreshes', () => {
  it('of one network are limited by all processes together, to within some hundreds', async () => {
    const store = await memoryStore();
    const time = new FakeTime();
    const throttles = [aThrottle(store, time), aThrottle(store, time)];
    const { limit, windowMs } = networkQuotas.refresh;
    let allowed = 0;
    for (let nth = 0; nth < limit + 2_000; nth += 1) {
      const throttle = throttles[nth % 2] as Throttle;
      if ((await outcome(throttle.network('refresh', here).then(() => true))) === 'right') allowed += 1;
      if (nth % 200 === 199) await Promise.all(throttles.map((one) => one.close()));
    }
    expect(allowed).toBeGreaterThanOrEqual(limit);
    expect(allowed).toBeLessThanOrEqual(limit + 400);
    expect(await outcome((throttles[0] as Throttle).network('refresh', from('198.51.100.1')).then(() => true))).toBe('right');
    time.move(windowMs);
    for (const throttle of throttles) expect(await outcome(throttle.network('refresh', here).then(() => true))).toBe('right');
  });
});
