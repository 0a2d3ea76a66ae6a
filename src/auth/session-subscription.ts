import type { SessionChange } from '../store/port.js';
import type { EpochMs } from '../store/records.js';
import { AuthError } from './errors.js';
import type { LiveViewer } from './live-viewers.js';
import type { Session } from './sessions.js';
import type { SignedIn } from './viewer.js';

/** Changes that wait for one subscription; a connection that lets more of them wait is too slow. */
const mostWaiting = 100;

export interface SessionEvent {
  readonly type: SessionChange['kind'];
  readonly at: EpochMs;
  /** As it is when the event is delivered. */
  readonly session: Session;
}

/** One change on its way to whoever follows it. The session is read when the first of them takes it, once for all. */
export class ToldChange {
  private reading: Promise<Session | null> | null = null;

  constructor(
    readonly change: SessionChange,
    private readonly read: (id: string) => Promise<Session | null>,
  ) {}

  /** Null when it is gone. Throws `StoreUnavailableError`. */
  session(): Promise<Session | null> {
    this.reading ??= this.read(this.change.sessionId);
    return this.reading;
  }
}

/** Throws `AuthError` `FORBIDDEN` for who may not see everybody's sessions. */
export function demandReader({ permissions }: SignedIn): void {
  if (!permissions.includes('sessions:read')) throw new AuthError('FORBIDDEN');
}

/** The events of one subscription, one after the other. The viewer is judged for each, after its session was read. */
export class SessionSubscription implements AsyncIterableIterator<SessionEvent> {
  private waiting: ToldChange[] = [];
  private wake: (() => void) | null = null;
  private isOver = false;
  private failure: unknown = null;
  private readonly stopListening: () => void;
  private readonly detach: () => void;

  /** Throws what `LiveViewer.attach` throws. */
  constructor(
    private readonly live: LiveViewer,
    private readonly all: boolean,
    private readonly onOver: () => void,
  ) {
    this.detach = live.attach(() => this.finish());
    this.stopListening = live.onRights((viewer) => {
      if (all && !viewer.permissions.includes('sessions:read')) this.fail(new AuthError('FORBIDDEN'));
    });
  }

  push(change: ToldChange): void {
    if (this.waiting.length < mostWaiting) {
      this.waiting.push(change);
      this.wake?.();
      return;
    }
    this.finish();
    this.live.tooSlow();
  }

  /** What waits is not delivered any more. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.failure = error;
    this.finish();
  }

  async next(): Promise<IteratorResult<SessionEvent, undefined>> {
    try {
      for (;;) {
        const told = await this.take();
        if (told === null) return { done: true, value: undefined };
        const session = await told.session();
        const viewer = await this.live.judge();
        if (this.all) demandReader(viewer);
        else if (told.change.accountId !== viewer.accountId) throw new AuthError('FORBIDDEN');
        const { kind: type, at } = told.change;
        if (session !== null && !this.isOver) return { done: false, value: { type, at, session } };
      }
    } catch (error) {
      this.finish();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<SessionEvent, undefined>> {
    this.finish();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Null at the end. */
  private async take(): Promise<ToldChange | null> {
    while (!this.isOver && this.waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.failure !== null) {
      const { failure } = this;
      this.failure = null;
      throw failure;
    }
    return this.waiting.shift() ?? null;
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.waiting = [];
    this.stopListening();
    this.detach();
    this.wake?.();
    this.onOver();
  }
}
