import type { EpochMs, SessionRecord, SessionUse, Store } from '../store/port.js';
import type { Log } from './log.js';

/** How exactly `lastSeenAt` is kept. */
const lastSeenStepMs = 60_000;
/** Beyond this many noted uses the oldest are forgotten: they only make the server more lenient. */
const mostNoted = 100_000;

interface SessionUsesDeps {
  readonly store: Pick<Store, 'recordUses'>;
  readonly log: Log;
}

/**
 * Uses of access tokens, noted in memory at once and written in batches: they confirm that a client holds a generation, and say
 * when it was last seen, without a write for each request.
 */
export class SessionUses {
  private noted = new Map<string, SessionUse>();

  constructor(private readonly deps: SessionUsesDeps) {}

  /** Notes the use of a token of `generation`, if it tells anything that the record does not. */
  note(session: SessionRecord, generation: number, at: EpochMs): void {
    const known = this.overlay(session);
    const confirms = generation === known.generation && known.confirmedGeneration < generation;
    if (!confirms && at - known.lastSeenAt < lastSeenStepMs) return;
    const before = this.noted.get(session.id);
    this.put({
      sessionId: session.id,
      generation: Math.max(generation, before?.generation ?? 0),
      at: confirms || before === undefined ? at : before.at,
    });
  }

  /** The record as it would be if what is noted had been written. */
  overlay(session: SessionRecord): SessionRecord {
    const use = this.noted.get(session.id);
    if (use === undefined) return session;
    const confirms = use.generation === session.generation && session.confirmedGeneration < use.generation;
    return {
      ...session,
      lastSeenAt: Math.max(session.lastSeenAt, use.at),
      ...(confirms && { confirmedGeneration: use.generation, confirmedAt: use.at }),
    };
  }

  /** Writes what is noted. When the store is down the notes are kept for the next time. */
  async flush(): Promise<void> {
    if (this.noted.size === 0) return;
    const batch = this.noted;
    this.noted = new Map();
    try {
      await this.deps.store.recordUses([...batch.values()]);
    } catch (error) {
      const newer = this.noted;
      this.noted = batch;
      for (const use of newer.values()) this.put(use);
      this.deps.log.warn({ err: error }, 'uses of sessions could not be written; kept for the next attempt');
    }
  }

  private put(use: SessionUse): void {
    const oldest = this.noted.size >= mostNoted ? this.noted.keys().next().value : undefined;
    if (oldest !== undefined) this.noted.delete(oldest);
    this.noted.set(use.sessionId, use);
  }
}
