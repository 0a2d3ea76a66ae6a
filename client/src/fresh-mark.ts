import type { Clock, Locks } from './platform.js';

/** For longer than tabs that wake together take to have their turns. A page that holds a lock is neither frozen nor kept for the back button. */
const shownMs = 10_000;

export interface FreshMarkDeps {
  readonly name: string;
  readonly locks: Locks | null;
  readonly clock: Clock;
}

/**
 * Shows the other tabs that this one has just got a newer token, by a lock with that token's instant in its name. A message may take its time
 * on a busy machine; locks that are held can be seen by whoever asks, and go with the tab.
 */
export class FreshMark {
  private hide = (): void => undefined;

  constructor(private readonly deps: FreshMarkDeps) {}

  /** Resolves when all tabs can see it. Does nothing where there are no locks. */
  async show(issuedAt: number): Promise<void> {
    const { locks, clock } = this.deps;
    this.hide();
    if (locks === null) return;
    const end = new AbortController();
    const { signal } = end;
    const timer = clock.setTimeout(() => end.abort(), shownMs);
    this.hide = () => {
      clock.clearTimeout(timer);
      end.abort();
    };
    await new Promise<void>((resolve) => {
      const hold = () =>
        new Promise<void>((release) => {
          signal.addEventListener('abort', () => release());
          resolve();
        });
      locks.request(this.prefix + issuedAt, { mode: 'shared', signal }, hold).catch(() => resolve());
    });
  }

  /** Whether a tab has got a token issued after that instant, and was not closed since. */
  async isShown(newerThan: number): Promise<boolean> {
    const { locks } = this.deps;
    const { held = [] } = (await locks?.query().catch(() => null)) ?? {};
    return held.some(({ name = '' }) => name.startsWith(this.prefix) && Number(name.slice(this.prefix.length)) > newerThan);
  }

  close(): void {
    this.hide();
  }

  private get prefix(): string {
    return `${this.deps.name} issued `;
  }
}
