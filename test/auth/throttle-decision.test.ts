import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  acquainted,
  begun,
  type DelayPolicy,
  decideAttempt,
  decideQuota,
  delayAfter,
  knownForMs,
  knows,
  leaseMs,
  settled,
  spent,
  type TallyDraft,
} from '../../src/auth/throttle-decision.js';
import { passwordLimits } from '../../src/auth/throttle-limits.js';
import type { TallyRecord } from '../../src/store/records.js';
import { aTally, day, t0 } from '../support/records.js';

const policy = passwordLimits.pair;
const written = (draft: TallyDraft): TallyRecord => ({ ...draft, stamp: 'any' });
const failures = (count: number, now = t0): TallyRecord => aTally({ since: now, count, lastAt: now, purgeAt: now + policy.windowMs });

describe('the delay after wrong passwords', () => {
  it.each([
    [4, 0],
    [5, 1],
    [6, 2],
    [7, 4],
    [14, 512],
    [15, 900],
    [16, 900],
    [4_000, 900],
  ])('of %i is %i s', (count, seconds) => {
    expect(delayAfter(count, policy)).toBe(seconds * 1000);
    const decision = decideAttempt(failures(count), t0, policy);
    expect(decision).toEqual(seconds === 0 ? { kind: 'admit' } : { kind: 'delay', ms: seconds * 1000 });
    expect(decideAttempt(failures(count), t0 + seconds * 1000, policy)).toEqual({ kind: 'admit' });
  });

  it('ends with the window', () => {
    const tally = { ...failures(4_000), lastAt: t0 + policy.windowMs - 1 };
    expect(decideAttempt(tally, t0 + policy.windowMs - 1, policy).kind).toBe('delay');
    expect(decideAttempt(tally, t0 + policy.windowMs, policy)).toEqual({ kind: 'admit' });
  });

  it('keeps nobody out for a clock that was set back', () => {
    expect(decideAttempt(failures(4_000, t0 + day), t0, policy)).toEqual({ kind: 'admit' });
    const inFlight = Array.from({ length: 5 }, (_, id) => ({ id: String(id), at: t0 + day }));
    expect(decideAttempt(aTally({ count: 0, lastAt: null, inFlight }), t0, policy)).toEqual({ kind: 'admit' });
  });
});

describe('attempts under way', () => {
  const underWay = (count: number) => Array.from({ length: count }, (_, id) => ({ id: String(id), at: t0 }));

  it('take free places, and whoever finds none waits', () => {
    expect(decideAttempt(aTally({ count: 2, inFlight: underWay(2) }), t0, policy)).toEqual({ kind: 'admit' });
    expect(decideAttempt(aTally({ count: 2, inFlight: underWay(3) }), t0, policy)).toEqual({ kind: 'busy' });
    expect(decideAttempt(aTally({ count: 9, inFlight: underWay(1) }), t0, policy)).toEqual({ kind: 'busy' });
  });

  it('that are never settled count as wrong, from when they began, once their lease has run out', () => {
    const tally = aTally({ count: 0, lastAt: null, inFlight: underWay(6) });
    expect(decideAttempt(tally, t0 + leaseMs - 1, policy)).toEqual({ kind: 'busy' });
    expect(decideAttempt(tally, t0 + leaseMs, policy)).toEqual({ kind: 'admit' });
    expect(begun(tally, tally.key, 'next', t0 + leaseMs, policy)).toMatchObject({ count: 6, lastAt: t0, inFlight: [{ id: 'next' }] });
  });

  it('that are settled after that are not counted twice', () => {
    const tally = aTally({ count: 0, lastAt: null, inFlight: underWay(1) });
    for (const settlement of ['failed', 'refunded'] as const) {
      expect(settled(tally, '0', settlement, t0 + leaseMs, policy)).toMatchObject({ count: 1, inFlight: [] });
    }
    expect(settled(tally, '0', 'cleared', t0 + leaseMs, policy)).toMatchObject({ count: 0, inFlight: [] });
  });
});

/** How many may be evaluated within so long, whoever asks and whatever becomes of them. */
function mostWithin(elapsedMs: number, { free, ...rest }: DelayPolicy): number {
  let [extra, passed] = [0, 0];
  for (;;) {
    passed += delayAfter(free + extra, { free, ...rest });
    if (passed > elapsedMs) return free + extra;
    extra += 1;
  }
}

type Step =
  | { readonly act: 'try'; readonly fate: 'failed' | 'lost' | 'refunded' }
  | { readonly act: 'settle' | 'wait'; readonly by: number };
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('try' as const), fate: fc.constantFrom('failed', 'lost', 'refunded') }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant('settle' as const), by: fc.nat(5) }) },
    {
      weight: 3,
      arbitrary: fc.record({ act: fc.constant('wait' as const), by: fc.oneof(fc.nat(3_000), fc.nat(40_000), fc.nat(1_000_000)) }),
    },
  ),
  { minLength: 1, maxLength: 120 },
) as fc.Arbitrary<Step[]>;

describe('whatever is tried, in whatever order, with processes that die', () => {
  it('no more is evaluated than the limit says', () => {
    fc.assert(
      fc.property(steps, (script) => {
        let tally: TallyRecord | null = null;
        let [now, evaluated, tries] = [t0, 0, 0];
        const open: { id: string; fate: 'failed' | 'refunded' }[] = [];
        for (const step of script) {
          if (step.act === 'wait') now += step.by;
          if (now - t0 >= policy.windowMs) return;
          if (step.act === 'settle' && tally !== null) {
            const [attempt] = open.splice(step.by % Math.max(1, open.length), 1);
            if (attempt !== undefined) tally = written(settled(tally, attempt.id, attempt.fate, now, policy));
          }
          if (step.act !== 'try' || decideAttempt(tally, now, policy).kind !== 'admit') continue;
          const id = String(tries++);
          tally = written(begun(tally, 'key', id, now, policy));
          // What is refunded was not evaluated; of what is lost nobody knows.
          if (step.fate !== 'refunded') evaluated += 1;
          if (step.fate !== 'lost') open.push({ id, fate: step.fate });
          expect(tally.inFlight.length).toBeLessThanOrEqual(policy.free);
          expect(evaluated).toBeLessThanOrEqual(mostWithin(now - t0, policy));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  const instant = fc.integer({ min: t0 - 2 * day, max: t0 + 2 * day });
  const tallies = fc.record({
    since: instant,
    count: fc.nat(30),
    lastAt: fc.option(instant),
    inFlight: fc.array(fc.record({ id: fc.uuid(), at: instant }), { maxLength: 8 }),
    knownNetworks: fc.array(fc.record({ network: fc.uuid(), at: instant }), { maxLength: 3 }),
  });

  it('who waits as long as it is told, and nobody else tries, is let in; within a lease and 15 minutes in any case', () => {
    fc.assert(
      fc.property(tallies, (fields) => {
        const tally = aTally(fields);
        const decision = decideAttempt(tally, t0, policy);
        if (decision.kind === 'delay') {
          expect(decision.ms).toBeGreaterThan(0);
          expect(decision.ms).toBeLessThanOrEqual(policy.mostDelayMs + 5_000);
          expect(decideAttempt(tally, t0 + decision.ms, policy).kind).not.toBe('delay');
        }
        const instants = [t0 + leaseMs, t0 + leaseMs + policy.mostDelayMs + 5_000];
        if (fields.inFlight.every(({ at }) => at <= t0)) {
          expect(decideAttempt(tally, instants[0] ?? 0, policy).kind).not.toBe('busy');
        }
        if ([...fields.inFlight.map(({ at }) => at), fields.lastAt ?? 0].every((at) => at <= t0)) {
          expect(decideAttempt(tally, instants[1] ?? 0, policy).kind).toBe('admit');
        }
      }),
    );
  });

  it('success lets the next one in at once, and a refund leaves things as they were', () => {
    fc.assert(
      fc.property(tallies, (fields) => {
        const tally = aTally({ ...fields, inFlight: [] });
        const during = written(begun(tally, tally.key, 'this one', t0, policy));
        const after = written(settled(during, 'this one', 'cleared', t0, policy));
        expect(decideAttempt(after, t0, policy)).toEqual({ kind: 'admit' });
        const refunded = written(settled(during, 'this one', 'refunded', t0, policy));
        expect(decideAttempt(refunded, t0, policy)).toEqual(decideAttempt(tally, t0, policy));
        expect(refunded.knownNetworks).toEqual(tally.knownNetworks);
      }),
    );
  });

  it('a record that may be removed says nothing any more', () => {
    fc.assert(
      fc.property(tallies, fc.nat(day), (fields, later) => {
        const tally = written(settled(aTally(fields), 'no such attempt', 'failed', t0, policy));
        const now = tally.purgeAt + later;
        expect(decideAttempt(tally, now, policy)).toEqual({ kind: 'admit' });
        for (const { network } of tally.knownNetworks) expect(knows(tally, network, now)).toBe(false);
      }),
    );
  });
});

describe('known networks', () => {
  it('are the last ten, each for 90 days after its last sign-in', () => {
    let tally: TallyRecord | null = null;
    const visit = (network: string, at: number) => {
      tally = written(acquainted(tally, 'key', network, at, policy));
    };
    for (let index = 0; index < 10; index += 1) visit(`n${index}`, t0 + index);
    visit('n0', t0 + 20);
    visit('n10', t0 + 21);
    const known = (network: string, now: number) => knows(tally, network, now);
    expect(['n0', 'n1', 'n2', 'n10', 'n11'].map((network) => known(network, t0 + 22))).toEqual([true, false, true, true, false]);
    expect(known('n0', t0 + 20 + knownForMs - 1)).toBe(true);
    expect(known('n0', t0 + 20 + knownForMs)).toBe(false);
    expect(knows(null, 'n0', t0)).toBe(false);
  });

  it('outlive a window, a success and what others do', () => {
    const home = written(acquainted(failures(30), 'key', 'home', t0, policy));
    const later = t0 + 2 * policy.windowMs;
    for (const tally of [begun(home, 'key', 'x', later, policy), settled(home, 'x', 'cleared', later, policy)]) {
      expect(tally).toMatchObject({ count: 0, knownNetworks: [{ network: 'home', at: t0 }], purgeAt: expect.any(Number) });
      expect(tally.purgeAt).toBeGreaterThanOrEqual(t0 + knownForMs);
    }
  });
});

describe('a quota', () => {
  const quota = { limit: 10, windowMs: 60_000 };

  it('is used up exactly, and whole again when its window is over', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ amount: fc.integer({ min: 1, max: 6 }), later: fc.nat(30_000) }), { maxLength: 60 }), (script) => {
        let tally: TallyRecord | null = null;
        let now = t0;
        const granted: { at: number; amount: number }[] = [];
        for (const { amount, later } of script) {
          now += later;
          const decision = decideQuota(tally, amount, now, quota);
          if (decision.kind === 'delay') {
            expect(decision.ms).toBeGreaterThan(0);
            expect(decision.ms).toBeLessThanOrEqual(quota.windowMs);
            expect(decideQuota(tally, amount, now + decision.ms, quota)).toEqual({ kind: 'admit' });
            continue;
          }
          tally = written(spent(tally, 'key', amount, now, quota));
          granted.push({ at: now, amount });
          const inWindow = granted.filter(({ at }) => at >= (tally?.since ?? 0));
          expect(inWindow.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(quota.limit);
        }
      }),
    );
  });
});
