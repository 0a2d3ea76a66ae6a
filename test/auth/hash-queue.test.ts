import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HashQueue } from '../../src/auth/hash-queue.js';

/** Work that ends when the test says so. */
class Jobs {
  readonly started: string[] = [];
  private readonly ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  work(name: string): () => Promise<string> {
    return () => {
      this.started.push(name);
      return new Promise((resolve, reject) => this.ends.set(name, { resolve: () => resolve(name), reject }));
    };
  }

  get running(): number {
    return this.ends.size;
  }

  /** Ends the job of that name, by default the one that has run for longest. */
  async end(named?: string, error?: Error): Promise<void> {
    await settled();
    const name = named ?? this.started.find((started) => this.ends.has(started)) ?? '';
    const end = this.ends.get(name);
    expect(end).toBeDefined();
    this.ends.delete(name);
    if (error === undefined) end?.resolve();
    else end?.reject(error);
    await settled();
  }
}

/** Everything that was ready to go on has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** What became of a promise so far. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' };
  promise.then(
    (value) => (watched.outcome = value),
    (error: unknown) => (watched.outcome = error),
  );
  return watched;
}

const rateLimited = (retryAfter: number) => expect.objectContaining({ code: 'RATE_LIMITED', details: { retryAfter } });

let jobs: Jobs;
beforeEach(() => {
  jest.useFakeTimers();
  jobs = new Jobs();
});
afterEach(() => void jest.useRealTimers());

describe('the hash queue', () => {
  it.each([1, 2, 5])('runs at most %i at once, and all in the end', async (threads) => {
    const queue = new HashQueue(threads, 1);
    const all = Array.from({ length: 20 }, (_, index) => watch(queue.run(`network ${index % 3}`, jobs.work(`${index}`))));
    await settled();
    let most = 0;
    while (jobs.running > 0) {
      most = Math.max(most, jobs.running);
      await jobs.end();
    }
    expect(most).toBe(threads);
    expect(all.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
  });

  it('serves one network in the order of arrival', async () => {
    const queue = new HashQueue(1, 1);
    for (let index = 0; index < 5; index += 1) watch(queue.run('one', jobs.work(`${index}`)));
    await settled();
    for (let index = 0; index < 5; index += 1) await jobs.end();
    expect(jobs.started).toEqual(['0', '1', '2', '3', '4']);
  });

  it('lets a flood from one network delay another by one round at most', async () => {
    const queue = new HashQueue(1, 1);
    for (let index = 0; index < 100; index += 1) watch(queue.run('flood', jobs.work(`flood ${index}`)));
    await settled();
    for (let index = 0; index < 5; index += 1) await jobs.end();
    watch(queue.run('home', jobs.work('home 1')));
    watch(queue.run('home', jobs.work('home 2')));
    const before = jobs.started.length;
    for (let index = 0; index < 5; index += 1) await jobs.end();
    expect(jobs.started.slice(before)).toEqual(['flood 6', 'home 1', 'flood 7', 'home 2', 'flood 8']);
  });

  it('takes turns among many networks', async () => {
    const queue = new HashQueue(1, 1);
    watch(queue.run('first', jobs.work('first')));
    for (const network of ['a', 'b', 'c']) for (const index of [1, 2, 3]) watch(queue.run(network, jobs.work(`${network}${index}`)));
    for (let index = 0; index < 10; index += 1) await jobs.end();
    expect(jobs.started).toEqual(['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
  });

  it('gives its place free when the work fails, at once or later', async () => {
    const queue = new HashQueue(1, 1);
    const atOnce = watch(
      queue.run('one', () => {
        throw new Error('at once');
      }),
    );
    await settled();
    expect(atOnce.outcome).toEqual(new Error('at once'));
    const later = watch(queue.run('one', jobs.work('later')));
    const next = watch(queue.run('one', jobs.work('next')));
    await jobs.end('later', new Error('later'));
    expect(later.outcome).toEqual(new Error('later'));
    await jobs.end('next');
    expect(next.outcome).toBe('next');
  });
});

describe('a wait that would be too long', () => {
  /** One job runs, and each is expected to take half a second: four may wait. */
  function fullQueue(): HashQueue {
    const queue = new HashQueue(1, 500);
    for (let index = 0; index < 5; index += 1) watch(queue.run('flood', jobs.work(`flood ${index}`)));
    return queue;
  }

  it('is refused at once, with the seconds to wait', async () => {
    const queue = fullQueue();
    const refused = watch(queue.run('flood', jobs.work('too late')));
    await settled();
    expect(refused.outcome).toEqual(rateLimited(3));
    expect(jobs.started).toEqual(['flood 0']);
  });

  it('can be known before something is made ready for it, and counts as refused', () => {
    const refused: string[] = [];
    const meter = { hashAsked: () => ({ refused: () => void refused.push('refused'), started: () => undefined, ended: () => undefined }) };
    const queue = new HashQueue(1, 500, meter);
    queue.refuseIfFull('flood');
    for (let index = 0; index < 5; index += 1) watch(queue.run('flood', jobs.work(`flood ${index}`)));
    expect(() => queue.refuseIfFull('flood')).toThrow(rateLimited(3));
    expect(() => queue.refuseIfFull('another')).not.toThrow();
    expect(refused).toEqual(['refused']);
  });

  it('is not what another network has', async () => {
    const queue = fullQueue();
    const other = watch(queue.run('home', jobs.work('home')));
    await settled();
    expect(other.outcome).toBe('pending');
    await jobs.end();
    await jobs.end();
    await jobs.end('home');
    expect(other.outcome).toBe('home');
  });

  it('does not cost the others their place', async () => {
    const queue = fullQueue();
    watch(queue.run('flood', jobs.work('too late')));
    for (let index = 0; index < 5; index += 1) await jobs.end();
    expect(jobs.started).toEqual(['flood 0', 'flood 1', 'flood 2', 'flood 3', 'flood 4']);
    const afterwards = watch(queue.run('flood', jobs.work('afterwards')));
    await jobs.end('afterwards');
    expect(afterwards.outcome).toBe('afterwards');
  });

  it('is foreseen by what jobs have taken lately', async () => {
    const queue = new HashQueue(1, 1);
    for (let index = 0; index < 30; index += 1) {
      const slow = watch(queue.run('one', jobs.work(`slow ${index}`)));
      await settled();
      jest.advanceTimersByTime(2_500);
      await jobs.end(`slow ${index}`);
      expect(slow.outcome).toBe(`slow ${index}`);
    }
    watch(queue.run('one', jobs.work('running')));
    const refused = watch(queue.run('two', jobs.work('waiting')));
    await settled();
    expect(refused.outcome).toEqual(rateLimited(3));
  });

  it('ends after 2 s, to the millisecond, though nobody foresaw it, and the work is never done', async () => {
    const queue = new HashQueue(1, 1);
    watch(queue.run('one', jobs.work('stuck')));
    const waiting = watch(queue.run('two', jobs.work('waiting')));
    await settled();
    jest.advanceTimersByTime(1_999);
    await settled();
    expect(waiting.outcome).toBe('pending');
    jest.advanceTimersByTime(1);
    await settled();
    expect(waiting.outcome).toEqual(rateLimited(2));
    await jobs.end('stuck');
    expect(jobs.started).toEqual(['stuck']);
  });

  it('is over for one of a line, and the others of the line keep their turn', async () => {
    const queue = new HashQueue(1, 1);
    watch(queue.run('one', jobs.work('stuck')));
    const early = watch(queue.run('two', jobs.work('early')));
    jest.advanceTimersByTime(1_500);
    const late = watch(queue.run('two', jobs.work('late')));
    jest.advanceTimersByTime(500);
    await settled();
    expect(early.outcome).toEqual(rateLimited(2));
    await jobs.end('stuck');
    expect(jobs.started).toEqual(['stuck', 'late']);
    await jobs.end('late');
    expect(late.outcome).toBe('late');
  });

  it('is not over for somebody who has begun', async () => {
    const queue = new HashQueue(1, 1);
    watch(queue.run('one', jobs.work('first')));
    const second = watch(queue.run('one', jobs.work('second')));
    await jobs.end('first');
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(60_000);
    await jobs.end('second');
    expect(second.outcome).toBe('second');
  });
});
