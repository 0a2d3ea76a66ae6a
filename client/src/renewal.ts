import { elapsedSince, type Grant } from './grant.js';
import type { HeldSession } from './held-session.js';
import type { Platform } from './platform.js';
import type { Refresher } from './refresher.js';

/** Of a token's lifetime. Tabs choose differently, so that one of them comes first and the others have its token. */
const earliestShare = 0.75;
const jitterShare = 0.1;
/** A timer stands still while the machine sleeps: so it never runs for longer than this. */
const longestTimerMs = 60_000;
const afterFailureMs = 30_000;

export interface RenewalDeps {
  readonly held: HeldSession;
  readonly refresher: Refresher;
  readonly platform: Pick<Platform, 'clock' | 'random' | 'page'>;
}

/** Refreshes after 75 to 85 % of a token's lifetime, while the page is seen; a page that is seen again is checked at once. */
export class Renewal {
  private timer: unknown = null;
  private plan: { readonly grant: Grant; readonly dueMs: number } | null = null;
  private stopWaking: (() => void) | null = null;

  constructor(private readonly deps: RenewalDeps) {}

  start(): void {
    if (this.stopWaking !== null) return;
    this.stopWaking = this.deps.platform.page.onWake(() => this.check());
    if (this.deps.held.grant !== null) this.check();
  }

  stop(): void {
    this.stopWaking?.();
    this.stopWaking = null;
    this.deps.platform.clock.clearTimeout(this.timer);
  }

  /** Refreshes if it is time, in the background; a failure shows when somebody needs a token. Sets the timer anew. */
  check(): void {
    const { held, platform } = this.deps;
    platform.clock.clearTimeout(this.timer);
    const { grant } = held;
    if (held.state.kind === 'signed-out' || this.stopWaking === null || !platform.page.isVisible()) return;
    if (grant === null) {
      this.refresh();
      return;
    }
    if (this.plan?.grant !== grant) {
      this.plan = { grant, dueMs: grant.lifetimeMs * (earliestShare + jitterShare * platform.random()) };
    }
    const leftMs = this.plan.dueMs - elapsedSince(grant.since, platform.clock);
    if (leftMs > 0) {
      this.checkIn(Math.min(leftMs, longestTimerMs));
      return;
    }
    this.refresh();
  }

  /** After a start that failed: tries again until it is known who is signed in. */
  retryLater(): void {
    this.checkIn(afterFailureMs);
  }

  private refresh(): void {
    this.checkIn(afterFailureMs);
    this.deps.refresher.refresh().catch(() => undefined);
  }

  private checkIn(milliseconds: number): void {
    this.deps.platform.clock.clearTimeout(this.timer);
    this.timer = this.deps.platform.clock.setTimeout(() => this.check(), milliseconds);
  }
}
