import mongoose, { type mongo } from 'mongoose';
import type { SessionChange, SessionFeed, SessionListener } from '../port.js';
import { noStreamCodes } from './changes.js';
import type { SessionDocument } from './documents.js';

/** What the stream carries: sign-ins, rotations and revocations, not the many writes that note a use. */
const pipeline = [
  {
    $match: {
      $or: [
        { operationType: 'insert' },
        { operationType: 'update', 'updateDescription.updatedFields.generation': { $exists: true } },
        { operationType: 'update', 'updateDescription.updatedFields.revoked': { $exists: true } },
      ],
    },
  },
];

/** The second feed: a change stream over the sessions alone, opened by whoever wants to follow them. */
export class SessionStream {
  private readonly watchers = new Set<Watcher>();

  constructor(
    private readonly collection: string,
    private readonly database: () => mongo.Db,
  ) {}

  /** Null where the server has no change streams. */
  async watch(listener: SessionListener): Promise<SessionFeed | null> {
    const stream = this.database()
      .collection<SessionDocument>(this.collection)
      .watch<SessionDocument>(pipeline, { fullDocument: 'updateLookup', maxAwaitTimeMS: 1_000 });
    try {
      // `watch` is lazy: only the first answer shows that the server tells of everything from here on.
      const first = await stream.tryNext();
      const watcher = new Watcher(stream, listener, () => this.watchers.delete(watcher));
      this.watchers.add(watcher);
      watcher.run(first);
      return watcher;
    } catch (error) {
      await stream.close().catch(() => {});
      if (error instanceof mongoose.mongo.MongoServerError && noStreamCodes.includes(error.code)) return null;
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.watchers].map((watcher) => watcher.close()));
  }
}

class Watcher implements SessionFeed {
  private closing: Promise<void> | null = null;

  constructor(
    private readonly stream: mongo.ChangeStream<SessionDocument>,
    private readonly listener: SessionListener,
    private readonly onEnd: () => void,
  ) {}

  /** Reads on until the stream ends. What the driver cannot resume ends here. */
  run(first: mongo.ChangeStreamDocument<SessionDocument> | null): void {
    this.readOn(first).catch((error: unknown) => {
      if (this.closing === null) this.listener.onLost(error);
      void this.close();
    });
  }

  close(): Promise<void> {
    this.onEnd();
    this.closing ??= this.stream.close().catch(() => {});
    return this.closing;
  }

  private async readOn(first: mongo.ChangeStreamDocument<SessionDocument> | null): Promise<never> {
    for (let event = first; ; event = await this.stream.next()) {
      const change = event === null ? null : changeOf(event);
      if (change !== null) this.listener.onChange(change);
    }
  }
}

/** Null for a session that is gone by now. */
function changeOf(event: mongo.ChangeStreamDocument<SessionDocument>): SessionChange | null {
  if (event.operationType !== 'insert' && event.operationType !== 'update') return null;
  const document = event.fullDocument;
  if (document == null) return null;
  const about = { sessionId: document._id, accountId: document.accountId };
  if (event.operationType === 'insert') return { kind: 'CREATED', ...about, at: document.createdAt.getTime() };
  // The document is as it is by now, which may be further on: the instants are those of this very update.
  const { revoked, lastSeenAt } = event.updateDescription.updatedFields ?? {};
  if (revoked != null) return { kind: 'REVOKED', ...about, at: revoked.at.getTime() };
  return { kind: 'REFRESHED', ...about, at: (lastSeenAt ?? document.lastSeenAt).getTime() };
}
