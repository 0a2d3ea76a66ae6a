import { AuthError } from './errors.js';
import { type Meter, noMeter } from './meter.js';

/** Nobody waits longer than this for a place at a hashing thread. */
const longestWaitMs = 2_000;

interface Job {
  readonly run: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Hashing takes a core for a good part of a second, so it stands in line: at most `threads` at once, at most 2 s of waiting,
 * and turn by turn among client networks, so that a flood from one of them delays that one. Whoever cannot be served in time
 * is told so at once, with `RATE_LIMITED`.
 */
export class HashQueue {
  private readonly waiting = new Map<string, Job[]>();
  private running = 0;
  /** A moving average, so that the estimate follows the machine's load. */
  private jobMs: number;

  constructor(
    private readonly threads: number,
    expectedJobMs: number,
    private readonly meter: Pick<Meter, 'hashAsked'> = noMeter,
  ) {
    this.jobMs = expectedJobMs;
  }

  /** Runs `work` when its network's turn comes. Throws `AuthError` `RATE_LIMITED` when that would take over 2 s. */
  async run<T>(network: string, work: () => Promise<T>): Promise<T> {
    const watch = this.meter.hashAsked();
    try {
      await this.enter(network);
    } catch (error) {
      watch.refused();
      throw error;
    }
    watch.started();
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.jobMs += (performance.now() - startedAt - this.jobMs) / 8;
      this.running -= 1;
      watch.ended();
      this.startNext();
    }
  }

  /** Throws what `run` would throw at once: for who has something to do before it that a refusal would make useless. */
  refuseIfFull(network: string): void {
    const waitMs = this.running < this.threads ? 0 : this.estimatedWaitMs(network);
    if (waitMs <= longestWaitMs) return;
    this.meter.hashAsked().refused();
    throw tooBusy(waitMs);
  }

  private enter(network: string): Promise<void> {
    if (this.running < this.threads) {
      this.running += 1;
      return Promise.resolve();
    }
    const waitMs = this.estimatedWaitMs(network);
    if (waitMs > longestWaitMs) return Promise.reject(tooBusy(waitMs));
    return new Promise((resolve, reject) => {
      const line = this.waiting.get(network) ?? [];
      const job: Job = {
        run: resolve,
        timer: setTimeout(() => {
          this.leave(network, job);
          reject(tooBusy(longestWaitMs));
        }, longestWaitMs),
      };
      line.push(job);
      this.waiting.set(network, line);
    });
  }

  /** With turns taken by network, a place at position k of one's own line waits for at most k + 1 jobs of each other line. */
  private estimatedWaitMs(network: string): number {
    const own = this.waiting.get(network)?.length ?? 0;
    let ahead = 0;
    for (const line of this.waiting.values()) ahead += Math.min(line.length, own + 1);
    return ((ahead + 1) * this.jobMs) / this.threads;
  }

  /** The network served goes to the end of the round. */
  private startNext(): void {
    const next = this.waiting.entries().next().value;
    if (next === undefined || this.running >= this.threads) return;
    const [network, line] = next;
    const job = line.shift();
    this.waiting.delete(network);
    if (line.length > 0) this.waiting.set(network, line);
    if (job === undefined) return;
    clearTimeout(job.timer);
    this.running += 1;
    job.run();
  }

  private leave(network: string, job: Job): void {
    const line = this.waiting.get(network)?.filter((other) => other !== job) ?? [];
    if (line.length > 0) this.waiting.set(network, line);
    else this.waiting.delete(network);
  }
}

const tooBusy = (waitMs: number): AuthError => new AuthError('RATE_LIMITED', { retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) });
