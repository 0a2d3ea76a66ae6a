import mongoose, { type mongo } from 'mongoose';
import type { AccountStanding, Change, ChangeFeed, ChangeListener } from '../port.js';
import type { EpochMs, SessionRecord } from '../records.js';
import { type AccountDocument, type SessionDocument, toEnding, toSession, toStanding } from './documents.js';
import type { Models } from './models.js';
import { within } from './session-filters.js';

interface BeatDocument {
  readonly _id: 'beat';
  readonly at: Date;
}

/** What the stream carries, and nothing else. */
const pipeline = [
  {
    $match: {
      $or: [
        { 'ns.coll': 'sessions', operationType: 'update', 'updateDescription.updatedFields.revoked': { $exists: true } },
        { 'ns.coll': 'accounts', operationType: 'update', 'updateDescription.updatedFields.version': { $exists: true } },
        { 'ns.coll': 'keys', operationType: { $in: ['insert', 'update', 'replace'] } },
        { 'ns.coll': 'beats' },
      ],
    },
  },
];

/** CommandNotSupported, IllegalOperation (a stand-alone server: 40573), and servers that do not know the stage. */
export const noStreamCodes: readonly unknown[] = [20, 115, 40_324, 40_573];

/** The feed of changes: a change stream over the database, and what this process changes, told at once. */
export class Changes {
  private readonly watchers = new Set<Watcher>();

  constructor(
    private readonly database: () => mongo.Db,
    private readonly models: Models,
  ) {}

  /** Null where the server has no change streams. */
  async watch(listener: ChangeListener): Promise<ChangeFeed | null> {
    const stream = this.database().watch(pipeline, { fullDocument: 'updateLookup', maxAwaitTimeMS: 1_000 });
    try {
      // `watch` is lazy: only the first answer shows that the server tells of everything from here on.
      const first = await stream.tryNext();
      const watcher = new Watcher(stream, listener, () => this.watchers.delete(watcher));
      this.watchers.add(watcher);
      if (first !== null) watcher.tell(first);
      watcher.run();
      return watcher;
    } catch (error) {
      await stream.close().catch(() => {});
      if (error instanceof mongoose.mongo.MongoServerError && noStreamCodes.includes(error.code)) return null;
      throw error;
    }
  }

  /** Tells this process's own listeners, before the promise of the change settles. */
  tell(change: Change): void {
    for (const watcher of this.watchers) watcher.listener.onChange(change);
  }

  accountChanged(account: AccountStanding): void {
    this.tell({ kind: 'account-changed', account });
  }

  sessionRevoked({ id, revoked }: Pick<SessionRecord, 'id' | 'revoked'>): void {
    if (revoked !== null) this.tell({ kind: 'session-revoked', sessionId: id, ending: revoked });
  }

  /** By the server's own clock, so that no node's clock can make a late feed look fresh. */
  async beat(): Promise<void> {
    const beats = this.database().collection<BeatDocument>('beats');
    const strike = () => beats.updateOne({ _id: 'beat' }, { $currentDate: { at: true } }, { upsert: true });
    try {
      await strike();
    } catch (error) {
      // Two nodes made the first one at once.
      if (!(error instanceof mongoose.mongo.MongoServerError && error.code === 11_000)) throw error;
      await strike();
    }
  }

  async recent(since: EpochMs, atMost: number): Promise<Change[]> {
    const from = within({ $gte: new Date(since) });
    const [accounts, sessions] = await Promise.all([
      this.models.accounts.find({ changedAt: from }).limit(atMost).lean<AccountDocument[]>(),
      this.models.sessions.find({ 'revoked.at': from }, { revoked: 1 }).limit(atMost).lean<SessionDocument[]>(),
    ]);
    const changes: Change[] = [];
    for (const account of accounts) changes.push({ kind: 'account-changed', account: toStanding(account) });
    for (const { _id: sessionId, revoked } of sessions) {
      const ending = toEnding(revoked);
      if (ending !== null) changes.push({ kind: 'session-revoked', sessionId, ending });
    }
    return changes.slice(0, atMost);
  }

  async close(): Promise<void> {
    await Promise.all([...this.watchers].map((watcher) => watcher.close()));
  }
}

class Watcher implements ChangeFeed {
  private closing: Promise<void> | null = null;

  constructor(
    private readonly stream: mongo.ChangeStream,
    readonly listener: ChangeListener,
    private readonly onEnd: () => void,
  ) {}

  /** Reads on until the stream ends. The driver resumes by itself where it can; what it cannot resume ends here. */
  run(): void {
    this.readOn().catch((error: unknown) => {
      if (this.closing === null) this.listener.onLost(error);
      void this.close();
    });
  }

  tell(event: mongo.ChangeStreamDocument): void {
    for (const change of changesOf(event)) this.listener.onChange(change);
  }

  /** What is there is pushed. */
  catchUp(): void {}

  close(): Promise<void> {
    this.onEnd();
    this.closing ??= this.stream.close().catch(() => {});
    return this.closing;
  }

  private async readOn(): Promise<never> {
    for (;;) this.tell(await this.stream.next());
  }
}

/** The instant of this very beat: what is looked up for an update may be a later one, and would make a late feed look fresh. */
function beatOf(event: mongo.ChangeStreamDocument, inserted: BeatDocument): Change[] {
  const at: unknown = event.operationType === 'update' ? event.updateDescription.updatedFields?.at : inserted.at;
  return at instanceof Date ? [{ kind: 'beat', at: at.getTime() }] : [];
}

function changesOf(event: mongo.ChangeStreamDocument): Change[] {
  if (!('ns' in event) || !('coll' in event.ns) || !('fullDocument' in event)) return [];
  const document: unknown = event.fullDocument ?? null;
  // Deleted since: whatever it was, it is no more.
  if (document === null) return [];
  switch (event.ns.coll) {
    case 'sessions': {
      const { id, revoked } = toSession(document as SessionDocument);
      return revoked === null ? [] : [{ kind: 'session-revoked', sessionId: id, ending: revoked }];
    }
    case 'accounts':
      return [{ kind: 'account-changed', account: toStanding(document as AccountDocument) }];
    case 'keys':
      return [{ kind: 'keys-changed' }];
    default:
      return beatOf(event, document as BeatDocument);
  }
}
