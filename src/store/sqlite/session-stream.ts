import type { SessionChange, SessionFeed, SessionListener } from '../port.js';
import type { Connection } from './connection.js';

/** How often another process's commits are looked for. */
const pollEveryMs = 50;
const changesPerLook = 500;
/** Triggers write for that long after a watcher was last heard of. By SQLite's clock, as the triggers judge it. */
const leaseSeconds = 60;
const renewEveryMs = 20_000;

/** Runs a statement inside the next transaction. */
type Write = <T>(job: () => T) => Promise<T>;

interface ChangeRow extends SessionChange {
  readonly seq: number;
}
const columns = "json_object('seq', seq, 'kind', kind, 'sessionId', session_id, 'accountId', account_id, 'at', at)";

/**
 * What triggers write down of sessions while somebody, in any process, holds a lease in `session_watchers`: written always, it would cost
 * a refresh a sixth of its time. The triggers keep the last 10,000 rows.
 */
export class SessionStream {
  private readonly watchers = new Set<Watcher>();

  constructor(private readonly connection: Connection) {}

  /** Lease and position are taken in one transaction: what is committed after it is told. */
  async watch(listener: SessionListener, write: Write): Promise<SessionFeed> {
    const { connection } = this;
    const start = await write(() => {
      connection.run('DELETE FROM session_watchers WHERE until <= unixepoch()');
      connection.run(`INSERT INTO session_watchers (until) VALUES (unixepoch() + ${leaseSeconds})`);
      const lease = connection.number('SELECT max(id) FROM session_watchers', {}) ?? 0;
      const lastSeq = connection.number("SELECT seq FROM sqlite_sequence WHERE name = 'session_changes'", {}) ?? 0;
      return { lease, lastSeq };
    });
    const watcher = new Watcher(connection, listener, write, start, () => this.watchers.delete(watcher));
    this.watchers.add(watcher);
    // What other processes committed since the lease was taken.
    watcher.look();
    return watcher;
  }

  /** Called between a commit and the settling of its promises. */
  afterCommit(): void {
    for (const watcher of this.watchers) watcher.look();
  }

  close(): void {
    for (const watcher of this.watchers) watcher.stop();
  }
}

class Watcher implements SessionFeed {
  private lastSeq: number;
  private dataVersion: number;
  private isStopped = false;
  private readonly timers: NodeJS.Timeout[];

  constructor(
    private readonly connection: Connection,
    private readonly listener: SessionListener,
    private readonly write: Write,
    private readonly start: { readonly lease: number; readonly lastSeq: number },
    private readonly onStop: () => void,
  ) {
    this.lastSeq = start.lastSeq;
    this.dataVersion = Number(connection.pragma('data_version'));
    this.timers = [setInterval(() => this.poll(), pollEveryMs), setInterval(() => void this.renew(), renewEveryMs)];
    for (const timer of this.timers) timer.unref();
  }

  /** Tells what was committed since the last look. A failure ends the feed: nothing may be missed in silence. */
  look(): void {
    const sql = `SELECT ${columns} FROM session_changes WHERE seq > :lastSeq ORDER BY seq LIMIT ${changesPerLook}`;
    this.guarded(() => {
      for (;;) {
        const rows = this.connection.rows(sql, { lastSeq: this.lastSeq }) as ChangeRow[];
        for (const { seq, ...change } of rows) {
          if (this.isStopped) return;
          // Numbers have no gaps: a rollback takes them back.
          if (seq !== this.lastSeq + 1) throw new Error('changes of sessions were removed before they were told');
          this.lastSeq = seq;
          this.listener.onChange(change);
        }
        if (rows.length < changesPerLook) return;
      }
    });
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers) clearInterval(timer);
    this.onStop();
  }

  /** A lease that cannot be given back runs out. */
  async close(): Promise<void> {
    if (this.isStopped) return;
    this.stop();
    const { lease } = this.start;
    await this.write(() => this.connection.run('DELETE FROM session_watchers WHERE id = :lease', { lease })).catch(() => {});
  }

  private poll(): void {
    this.guarded(() => {
      const dataVersion = Number(this.connection.pragma('data_version'));
      if (dataVersion !== this.dataVersion) this.look();
      this.dataVersion = dataVersion;
    });
  }

  /** A lease that has run out meanwhile, by a clock that leapt or a process that slept, has left changes untold. */
  private async renew(): Promise<void> {
    const { lease } = this.start;
    const sql = `UPDATE session_watchers SET until = unixepoch() + ${leaseSeconds} WHERE id = :lease AND until > unixepoch()`;
    try {
      const isRenewed = (await this.write(() => this.connection.run(sql, { lease }))) === 1;
      if (!isRenewed) throw new Error('the lease on changes of sessions has run out');
    } catch (error) {
      this.lose(error);
    }
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.lose(error);
    }
  }

  private lose(cause: unknown): void {
    if (this.isStopped) return;
    this.stop();
    this.listener.onLost(cause);
  }
}
