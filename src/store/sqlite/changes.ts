import type { Change, ChangeFeed, ChangeListener } from '../port.js';
import type { EpochMs } from '../records.js';
import type { Connection } from './connection.js';
import { type AccountRow, accountObject, type SessionRow, sessionObject, standingOf, toSession } from './rows.js';

/** How often another process's commits are looked for, at least; and at most, however often somebody asks. */
const pollEveryMs = 50;
const leastPauseMs = 10;
/** So that one look keeps the event loop for some milliseconds at most. */
export const changesPerLook = 500;

export interface ChangePosition {
  readonly at: EpochMs;
  readonly seq: number;
}

interface ChangeRow extends ChangePosition {
  readonly kind: 'account' | 'session' | 'key';
  readonly subject: string;
}

const columns = "json_object('seq', seq, 'at', at, 'kind', kind, 'subject', subject)";

/**
 * The changes that triggers write down inside each transaction, in the order of its sequence number: told after a commit of this
 * process at once, and after one of another process when `data_version` has moved.
 */
export class Changes {
  private readonly watchers = new Set<Watcher>();

  constructor(private readonly connection: Connection) {}

  watch(listener: ChangeListener): ChangeFeed {
    const watcher = new Watcher(this.connection, listener, () => this.watchers.delete(watcher));
    this.watchers.add(watcher);
    return watcher;
  }

  /** Called between a commit and the settling of its promises. */
  afterCommit(): void {
    for (const watcher of this.watchers) watcher.look();
  }

  close(): void {
    for (const watcher of this.watchers) watcher.stop();
  }

  /** A part of what was changed from then on, by what it is about, and where to go on; null: that was all. */
  recent(from: ChangePosition, atMost: number): { readonly bySubject: [string, Change[]][]; readonly next: ChangePosition | null } {
    const sql = `SELECT ${columns} FROM changes WHERE (at, seq) > (:at, :seq) ORDER BY at, seq LIMIT :limit`;
    const limit = Math.min(atMost, changesPerLook);
    const rows = this.connection.rows(sql, { at: from.at, seq: from.seq, limit }) as ChangeRow[];
    const bySubject = new Map(rows.map((row) => [`${row.kind} ${row.subject}`, row]));
    return {
      bySubject: [...bySubject].map(([subject, row]) => [subject, asTold(this.connection, row)]),
      next: rows.length < limit ? null : (rows.at(-1) ?? null),
    };
  }

  forget(before: EpochMs, limit: number): number {
    const sql = 'DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at < :before ORDER BY at LIMIT :limit)';
    return this.connection.run(sql, { before, limit });
  }
}

class Watcher implements ChangeFeed {
  private lastSeq: number;
  private dataVersion: number;
  private readonly timer: NodeJS.Timeout;
  private lastPollAt = Number.NEGATIVE_INFINITY;
  private isStopped = false;

  constructor(
    private readonly connection: Connection,
    private readonly listener: ChangeListener,
    private readonly onStop: () => void,
  ) {
    this.dataVersion = Number(connection.pragma('data_version'));
    // Not the highest number of a row that is there still: those may have been forgotten.
    this.lastSeq = connection.number("SELECT seq FROM sqlite_sequence WHERE name = 'changes'", {}) ?? 0;
    this.timer = setInterval(() => this.poll(), pollEveryMs);
    this.timer.unref();
  }

  /** Tells what was committed since the last look. A failure ends the feed: nothing may be missed in silence. */
  look(): void {
    const sql = `SELECT ${columns} FROM changes WHERE seq > :lastSeq ORDER BY seq LIMIT ${changesPerLook}`;
    this.guarded(() => {
      for (;;) {
        const rows = this.connection.rows(sql, { lastSeq: this.lastSeq }) as ChangeRow[];
        for (const row of rows) {
          for (const change of asTold(this.connection, row)) this.listener.onChange(change);
          this.lastSeq = row.seq;
        }
        if (rows.length < changesPerLook) return;
      }
    });
  }

  /** A look at `data_version` reads some bytes of memory that the processes share: a request may well wait for that. */
  catchUp(): void {
    if (!this.isStopped && performance.now() - this.lastPollAt >= leastPauseMs) this.poll();
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    this.onStop();
  }

  async close(): Promise<void> {
    this.stop();
  }

  private poll(): void {
    this.lastPollAt = performance.now();
    this.guarded(() => {
      const dataVersion = Number(this.connection.pragma('data_version'));
      if (dataVersion !== this.dataVersion) this.look();
      this.dataVersion = dataVersion;
      this.listener.onChange({ kind: 'beat', at: null });
    });
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.stop();
      this.listener.onLost(error);
    }
  }
}

/** The change as its subject is by now; none when the subject has gone. */
function asTold(connection: Connection, { kind, subject }: ChangeRow): Change[] {
  if (kind === 'key') return [{ kind: 'keys-changed' }];
  if (kind === 'session') {
    const [row] = connection.rows(`SELECT ${sessionObject} FROM sessions WHERE id = :subject`, { subject });
    const ending = row === undefined ? null : toSession(row as SessionRow).revoked;
    return ending === null ? [] : [{ kind: 'session-revoked', sessionId: subject, ending }];
  }
  const [row] = connection.rows(`SELECT ${accountObject} FROM accounts WHERE id = :subject`, { subject });
  return row === undefined ? [] : [{ kind: 'account-changed', account: standingOf(row as AccountRow) }];
}
