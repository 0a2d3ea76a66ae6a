import { setTimeout as pause } from 'node:timers/promises';
import { AuthError } from './errors.js';
import type { Log } from './log.js';
import type { RequestFacts } from './viewer.js';

/** Work that waits, or is under way. Beyond it, whoever asks for more is told to come back. */
const mostAtOnce = 1_000;
/** From the answer to the work at least, and at most twice that: what follows the answer on the same connection must not be timed either. */
const delayMs = 50;
/** Longer than this the work does not wait for an answer. */
const longestAnswerMs = 30_000;

type Answerable = Pick<RequestFacts, 'answered'>;

/**
 * Work that is done after the answer: mails, and what only some answers need. What differs between a known and an unknown address must not
 * be on the way to the answer, where it could be timed.
 */
export class Afterwards {
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly deps: { readonly log: Log }) {}

  /**
   * Comes back at once. `name`: for the log, where the work fails. `answered`: what the work waits for, whatever else the request does. Throws
   * `AuthError` `RATE_LIMITED` when too much waits already.
   */
  run(name: string, { answered }: Answerable, work: () => Promise<void>): void {
    if (this.underWay.size >= mostAtOnce) throw new AuthError('RATE_LIMITED', { retryAfter: 1 });
    const running = Promise.race([answered, pause(longestAnswerMs, undefined, { ref: false })])
      .then(() => pause(delayMs * (1 + Math.random())))
      .then(work)
      .catch((error: unknown) => this.deps.log.error({ err: error, work: name }, 'what was to be done after an answer failed'))
      .finally(() => this.underWay.delete(running));
    this.underWay.add(running);
  }

  /** Resolves when nothing waits or is under way. */
  async settle(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }
}
