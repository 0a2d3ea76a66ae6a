import { type Grant, received, remainingOf, type SharedGrant, share } from './grant.js';
import type { Clock } from './platform.js';
import type { AuthState, SignedIn, SignedOut } from './state.js';
import type { Tabs, TabsListener } from './tabs.js';

/** With less than this left, a token may end on its way to the server. */
const reserveMs = 10_000;
/** The same for tokens that live for a minute or so. */
const reserveShare = 0.1;

/** The session as this tab knows it: who is signed in, with which access token. In step with other tabs by what they tell. */
export class HeldSession implements TabsListener {
  private current: AuthState = { kind: 'unknown' };
  private held: Grant | null = null;
  private refusedToken: string | null = null;
  private endedSessionId: string | null = null;
  private readonly listeners = new Set<(state: AuthState) => void>();
  private readonly hearers = new Set<() => void>();
  /** Counts sign-ins and sign-outs. */
  changes = 0;

  constructor(private readonly deps: { readonly clock: Clock; readonly tabs: Tabs }) {}

  get state(): AuthState {
    return this.current;
  }

  get grant(): Grant | null {
    return this.held;
  }

  /** Of the token held; 0 for none. */
  get issuedAt(): number {
    return this.held?.issuedAt ?? 0;
  }

  /** The token held, if it was not refused and does not end within 10 s or a tenth of its lifetime; null otherwise. */
  usable(): Grant | null {
    const { held } = this;
    return held !== null && this.remaining() > Math.min(reserveMs, held.lifetimeMs * reserveShare) ? held : null;
  }

  /** Milliseconds for which the token held may still be sent; 0 for none and for one that was refused. */
  remaining(): number {
    if (this.held === null || this.held.accessToken === this.refusedToken) return 0;
    return Math.max(0, remainingOf(this.held, this.deps.clock));
  }

  /** The usable token, if it was issued after that instant. */
  newerThan(issuedAt: number): Grant | null {
    const grant = this.usable();
    return grant !== null && grant.issuedAt > issuedAt ? grant : null;
  }

  /** Calls when a token was taken, by whatever way, and when the session has ended. Returns what ends that. */
  onMove(hearer: () => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  onChange(listener: (state: AuthState) => void): () => void {
    // The same function may be given twice.
    const own = (state: AuthState) => listener(state);
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  /** A server said no to this token: it is not handed out again. */
  refuse(accessToken: string): void {
    // A late answer to an earlier token says nothing about this one.
    if (this.held?.accessToken === accessToken) this.refusedToken = accessToken;
  }

  /** Takes what this tab was given, and tells the others. */
  take(grant: Grant): void {
    this.hold(grant);
    this.deps.tabs.tellGrant(share(grant, this.deps.clock));
  }

  /** Signs out; once, with the first reason. Tells the other tabs unless nobody was signed in. */
  end(state: SignedOut): void {
    const wasSignedIn = this.current.kind === 'signed-in';
    const sessionId = state.sessionId ?? (this.current.kind === 'signed-in' ? this.current.sessionId : undefined);
    const ended: SignedOut = sessionId === undefined ? state : { ...state, sessionId };
    this.endHere(ended);
    if (wasSignedIn) this.deps.tabs.tellSignedOut(ended);
  }

  onAsked(newerThan: number): void {
    const grant = this.newerThan(newerThan);
    if (grant !== null) this.deps.tabs.tellGrant(share(grant, this.deps.clock));
  }

  onGrant(shared: SharedGrant): void {
    const grant = received(shared, this.deps.clock);
    const isStale = grant.issuedAt <= this.issuedAt || remainingOf(grant, this.deps.clock) <= 0;
    // Told before that session ended, and heard after it.
    if (!isStale && grant.sessionId !== this.endedSessionId) this.hold(grant);
  }

  onSignedOut(state: SignedOut): void {
    const isOfAnother = this.current.kind === 'signed-in' && state.sessionId !== this.current.sessionId;
    if (!isOfAnother) this.endHere(state);
  }

  private endHere(state: SignedOut): void {
    if (this.current.kind === 'signed-out') return;
    this.held = null;
    this.endedSessionId = state.sessionId ?? null;
    this.changes += 1;
    this.become(state);
    this.moved();
  }

  private hold(grant: Grant): void {
    const { sessionId, user } = grant;
    this.held = grant;
    const next: SignedIn = { kind: 'signed-in', sessionId, user };
    if (this.current.kind !== 'signed-in' || this.current.sessionId !== sessionId) this.changes += 1;
    if (JSON.stringify(next) !== JSON.stringify(this.current)) this.become(next);
    this.moved();
  }

  private moved(): void {
    for (const hear of [...this.hearers]) hear();
  }

  private become(state: AuthState): void {
    this.current = state;
    for (const listener of [...this.listeners]) {
      try {
        listener(state);
      } catch (error) {
        // A page's fault must not stop a refresh half way; it is reported as any other that nobody catches.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
