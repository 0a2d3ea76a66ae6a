import { describe, expect, it } from '@jest/globals';
import { decideRefresh, type RefreshPolicy, rememberedRotations } from '../../src/auth/refresh-decision.js';
import type { SessionRecord } from '../../src/store/records.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

const graceMs = 10_000;
const account = anAccount();

/** Random numbers that a seed repeats (mulberry32). */
function randomOf(seed: number): (least: number, most: number) => number {
  let state = seed;
  return (least, most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return least + (((mixed ^ (mixed >>> 14)) >>> 0) % (most - least + 1));
  };
}

/** Events in order of time. */
class Timeline {
  now = t0;
  private readonly events: { readonly at: number; readonly run: () => void }[] = [];

  after(delay: number, run: () => void): void {
    this.events.push({ at: this.now + delay, run });
    this.events.sort((one, other) => one.at - other.at);
  }

  runAll(): void {
    for (let event = this.events.shift(); event !== undefined; event = this.events.shift()) {
      this.now = event.at;
      event.run();
    }
  }
}

type Answer = { readonly kind: 'granted'; readonly generation: number } | { readonly kind: 'refused'; readonly why: string };

/** The service around the decision, with the store port's meaning of `advance`, `assertCurrent` and `revoke`. */
class Server {
  session: SessionRecord = aSession({ expiresAt: t0 + 1_000 * day, idleExpiresAt: t0 + 1_000 * day });

  constructor(
    private readonly time: Timeline,
    private readonly policy: RefreshPolicy,
    /** How long the server takes between its reading and its writing. */
    private readonly pause: () => number,
  ) {}

  /** The use of an access token of this generation. */
  use(generation: number): void {
    const { session } = this;
    if (session.revoked !== null || generation !== session.generation || session.confirmedGeneration >= generation) return;
    this.session = { ...session, confirmedGeneration: generation, confirmedAt: this.time.now };
  }

  refresh(generation: number, answer: (answer: Answer) => void): void {
    const read = this.session;
    const readAt = this.time.now;
    const decision = decideRefresh(read, account, { generation, ipAddress: null, userAgent: null }, readAt, this.policy);
    this.time.after(this.pause(), () => {
      const isUnchanged = this.session.generation === read.generation && this.session.revoked === null;
      switch (decision.kind) {
        case 'rotate':
          if (!isUnchanged) return this.refresh(generation, answer);
          this.session = {
            ...this.session,
            generation: read.generation + 1,
            rotations: [...this.session.rotations, readAt].slice(-rememberedRotations),
          };
          return answer({ kind: 'granted', generation: read.generation + 1 });
        case 'repeat':
          if (!isUnchanged) return this.refresh(generation, answer);
          if (decision.confirm) this.use(read.generation);
          return answer({ kind: 'granted', generation: read.generation });
        case 'reuse':
          if (this.session.revoked !== null) return this.refresh(generation, answer);
          this.session = { ...this.session, revoked: anEnding({ at: readAt, reason: 'REUSE_DETECTED' }) };
          return answer({ kind: 'refused', why: decision.kind });
        default:
          return answer({ kind: 'refused', why: decision.kind });
      }
    });
  }
}

/**
 * Two tabs over one storage. A tab sends the token that it finds there; requests and replies take up to 4 s each, one reply in
 * five is lost, and whoever waits in vain asks again between a second and six days later.
 */
function runTwoTabs(
  seed: number,
  mode: RefreshPolicy['mode'],
): { readonly refusals: string[]; readonly grants: number; readonly rotations: number } {
  const random = randomOf(seed);
  const time = new Timeline();
  const server = new Server(time, { graceMs, binding: 'off', mode }, () => random(0, 500));
  let stored = 0;
  let grants = 0;
  const refusals: string[] = [];
  const pauses = [() => random(0, 100), () => random(1_000, 30_000), () => random(minute, 60 * minute), () => random(day, 6 * day)];
  const pause = (): number => pauses[random(0, pauses.length - 1)]?.() ?? 0;

  const arrive = (sent: number, answer: Answer): void => {
    if (answer.kind === 'refused') return void refusals.push(answer.why);
    grants += 1;
    // A browser takes cookies as they come; a bearer client keeps the reply to the token that it still holds.
    if (mode === 'cookie' || stored === sent) stored = answer.generation;
    time.after(random(0, 2_000), () => server.use(answer.generation));
  };
  const ask = (roundsLeft: number): void => {
    if (roundsLeft === 0) return;
    const sent = stored;
    time.after(random(0, 4_000), () =>
      server.refresh(sent, (answer) => random(1, 5) > 1 && time.after(random(0, 4_000), () => arrive(sent, answer))),
    );
    time.after(9_000 + pause(), () => ask(roundsLeft - 1));
  };
  for (let tab = 0; tab < 2; tab += 1) time.after(random(0, 3_000), () => ask(40));
  time.runAll();
  return { refusals, grants, rotations: server.session.generation };
}

describe('two honest tabs on a bad line', () => {
  it.each(['bearer', 'cookie'] as const)('are never refused in %s mode, in 500 random lives', (mode) => {
    let rotations = 0;
    let repeats = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      const life = runTwoTabs(seed, mode);
      expect({ seed, refusals: life.refusals }).toEqual({ seed, refusals: [] });
      rotations += life.rotations;
      repeats += life.grants - life.rotations;
    }
    // Otherwise nothing was tried: lives must rotate, and lost replies must have been repaired.
    expect(rotations).toBeGreaterThan(5_000);
    expect(repeats).not.toBe(0);
  });

  it('would be signed out in the same lives by a strict policy', () => {
    const time = new Timeline();
    const server = new Server(time, { graceMs: 0, binding: 'off', mode: 'bearer' }, () => 0);
    const answers: Answer[] = [];
    server.refresh(0, () => 'the reply is lost');
    time.after(1_000, () => server.refresh(0, (answer) => answers.push(answer)));
    time.runAll();
    expect(answers).toEqual([{ kind: 'refused', why: 'reuse' }]);
  });
});

describe('a thief with a copy of the refresh token', () => {
  /** Victim and thief each go on from the same copy; `pausesMs` are between the uses, `order` says whose turn it is. */
  function runTheft(order: readonly ('victim' | 'thief')[], pauseMs: () => number): Answer[] {
    const time = new Timeline();
    const server = new Server(time, { graceMs, binding: 'off', mode: 'bearer' }, () => 0);
    const held = { victim: 0, thief: 0 };
    const answers: Answer[] = [];
    for (const who of order) {
      time.now += pauseMs();
      server.refresh(held[who], (answer) => {
        answers.push(answer);
        if (answer.kind !== 'granted') return;
        held[who] = answer.generation;
        server.use(answer.generation);
      });
      time.runAll();
    }
    return answers;
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('ends the session when both use their copies after the grace (order %i)', (seed) => {
    const random = randomOf(seed);
    const first = (['victim', 'thief'] as const)[random(0, 1)] ?? 'victim';
    const second = first === 'victim' ? 'thief' : 'victim';
    const alone = Array.from({ length: random(1, 12) }, () => first);
    const answers = runTheft([...alone, second, first, second, 'victim', 'thief'], () => graceMs + 1 + random(0, (6 * day) / 20));
    expect(answers.slice(0, alone.length).every(({ kind }) => kind === 'granted')).toBe(true);
    expect(answers.slice(alone.length).map((answer) => (answer.kind === 'refused' ? answer.why : answer))).toEqual([
      'reuse',
      'revoked',
      'revoked',
      'revoked',
      'revoked',
    ]);
  });

  it('who kept step within the grace is found out at the first use that comes later, in 500 random lives', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = randomOf(seed);
      const inStep = Array.from({ length: 20 }, () => (['victim', 'thief'] as const)[random(0, 1)] ?? 'victim');
      let turn = 0;
      const pauseMs = () => (turn++ < inStep.length ? random(0, 400) : graceMs + 1);
      const answers = runTheft([...inStep, 'victim', 'thief', 'victim'], pauseMs);
      const [, , afterThief] = answers.slice(inStep.length);
      expect({ seed, afterThief }).toEqual({ seed, afterThief: { kind: 'refused', why: 'revoked' } });
    }
  });
});
