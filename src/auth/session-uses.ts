import type { Store } from '../store/port.js';
import type { SessionUse } from '../store/queries.js';
import type { EpochMs, SessionRecord } from '../store/records.js';
import type { Log } from './log.js';

/** How exactly `lastSeenAt` is kept. */
const lastSeenStepMs = 60_000;
/** Beyond this many noted uses the oldest are forgotten: they only make the server more lenient. */
const mostNoted = 100_000;
/** So that one call of the store stays well within its time. */
const usesPerCall = 200;

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
  /** The last use of each session that was noted by its token alone. */
  private readonly seen = new Map<string, { readonly generation: number; readonly at: EpochMs }>();
  /** On their way to the store. */
  private underway = new Map<string, SessionUse>();
  /** The writing of these. Never rejects. */
  private writing: Promise<void> | null = null;

  constructor(private readonly deps: SessionUsesDeps) {}

  /** Notes the use of a token of `generation`, if it tells anything that the record does not. */
  note(session: SessionRecord, generation: number, at: EpochMs): void {
    const known = this.overlay(session);
    const confirms = generation === known.generation && known.confirmedGeneration < generation;
    if (confirms || at - known.lastSeenAt >= lastSeenStepMs) this.put({ sessionId: session.id, generation, at });
  }

  /** Notes the use of a token of `generation` where the record is not at hand: the first of each generation, and one a minute. */
  noteToken(sessionId: string, generation: number, at: EpochMs): void {
    const before = this.seen.get(sessionId);
    if (before !== undefined && generation <= before.generation && at - before.at < lastSeenStepMs) return;
    this.seen.delete(sessionId);
    const oldest = this.seen.size >= mostNoted ? this.seen.keys().next().value : undefined;
    if (oldest !== undefined) this.seen.delete(oldest);
    this.seen.set(sessionId, { generation: Math.max(generation, before?.generation ?? 0), at });
    this.put({ sessionId, generation, at });
  }

  /** The record as it would be if what is noted had been written. */
  overlay(session: SessionRecord): SessionRecord {
    return applied(applied(session, this.underway.get(session.id)), this.noted.get(session.id));
  }

  /** Writes all that is noted by now. When the store is down, what is not written yet is kept for the next time. Never rejects. */
  async flush(): Promise<void> {
    while (this.writing !== null) await this.writing;
    if (this.noted.size === 0) return;
    this.writing = this.writeNoted();
    await this.writing;
  }

  private async writeNoted(): Promise<void> {
    this.underway = this.noted;
    this.noted = new Map();
    try {
      const uses = [...this.underway.values()];
      for (let next = 0; next < uses.length; next += usesPerCall) await this.write(uses.slice(next, next + usesPerCall));
    } catch (error) {
      const newer = this.noted;
      this.noted = this.underway;
      for (const use of newer.values()) this.put(use);
      this.deps.log.warn({ err: error }, 'uses of sessions could not be written; kept for the next attempt');
    } finally {
      this.underway = new Map();
      this.writing = null;
    }
  }

  private async write(uses: readonly SessionUse[]): Promise<void> {
    await this.deps.store.recordUses(uses);
    for (const { sessionId } of uses) this.underway.delete(sessionId);
  }

  /** The first use of a generation is what confirmed it: a later one of the same adds nothing that cannot wait for the next batch. */
  private put(use: SessionUse): void {
    const before = this.noted.get(use.sessionId);
    if (before !== undefined && before.generation >= use.generation) return;
    const oldest = before === undefined && this.noted.size >= mostNoted ? this.noted.keys().next().value : undefined;
    if (oldest !== undefined) this.noted.delete(oldest);
    this.noted.set(use.sessionId, use);
  }
}

function applied(session: SessionRecord, use: SessionUse | undefined): SessionRecord {
  if (use === undefined) return session;
  const confirms = use.generation === session.generation && session.confirmedGeneration < use.generation;
  return {
    ...session,
    lastSeenAt: Math.max(session.lastSeenAt, use.at),
    ...(confirms && { confirmedGeneration: use.generation, confirmedAt: use.at }),
  };
}
