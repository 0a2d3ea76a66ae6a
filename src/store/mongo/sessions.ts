import type { Model, QueryFilter } from 'mongoose';
import type { Advance, AllSessionsQuery, Page, RevokeSelector, SessionPosition, SessionQuery, SessionUse } from '../queries.js';
import { type Ending, type EpochMs, type SessionRecord, unknownDevice } from '../records.js';
import { newestFirst } from '../windows.js';
import { endingDocument, type SessionDocument, sessionDocument, toSession } from './documents.js';
import { duplicateKey, type TimeLimits } from './guard.js';
import type { ReadConcern } from './models.js';
import { filterOf, type Run, SearchReads, sessionSearch } from './searches.js';
import { sessionFilter, within } from './session-filters.js';

/** The verbs on sessions. Those that change one are one `updateOne` with the compare in its filter. */
export class Sessions {
  constructor(
    private readonly model: Model<SessionDocument>,
    private readonly limits: TimeLimits,
  ) {}

  /** A repeat of a record that is there already changes nothing. */
  async create(session: SessionRecord): Promise<void> {
    try {
      await this.model.create([sessionDocument(session)]);
    } catch (error) {
      if (duplicateKey(error) === null) throw error;
    }
  }

  async find(id: string, concern: ReadConcern = 'local'): Promise<SessionRecord | null> {
    const document = await this.model.findById(id).readConcern(concern).maxTimeMS(this.limits.wait).lean<SessionDocument>();
    return document && toSession(document);
  }

  async advance(sessionId: string, change: Advance): Promise<boolean> {
    const at = new Date(change.at);
    const { matchedCount } = await this.model.updateOne(
      { _id: sessionId, generation: change.expectedGeneration, ...alive(change.at) },
      {
        $set: {
          generation: change.expectedGeneration + 1,
          attemptId: change.attemptId,
          lastSeenAt: at,
          idleExpiresAt: new Date(change.idleExpiresAt),
          purgeAt: new Date(change.purgeAt),
        },
        $push: { rotations: { $each: [at], $slice: -8 } },
      },
    );
    return matchedCount === 1;
  }

  /** `assertions` rises so that the write always changes something: a deposed primary may still acknowledge one that does not. */
  async assertCurrent(sessionId: string, generation: number, at: EpochMs, confirm: boolean): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne(
      { _id: sessionId, generation, ...alive(at) },
      [{ $set: { ...seen(at), ...(confirm && confirmed(generation, at)), assertions: { $add: ['$assertions', 1] } } }],
      { updatePipeline: true },
    );
    return matchedCount === 1;
  }

  /** `assertions` as above. Read afterwards: what may have come between is only newer. */
  async reauthenticate(sessionId: string, accountId: string, at: EpochMs): Promise<SessionRecord | null> {
    const change = { $set: { authenticatedAt: new Date(at) }, $inc: { assertions: 1 } };
    const { matchedCount } = await this.model.updateOne({ _id: sessionId, accountId, ...alive(at) }, change);
    return matchedCount === 1 ? this.find(sessionId) : null;
  }

  /** By the driver's own collection: Mongoose does not take pipelines in a bulk write. */
  async recordUses(uses: readonly SessionUse[]): Promise<void> {
    const updates = uses.map(({ sessionId, generation, at }) => ({
      updateOne: {
        filter: { _id: String(sessionId), revoked: null },
        update: [{ $set: { ...seen(at), ...confirmed(generation, at) } }],
      },
    }));
    await this.model.collection.bulkWrite(updates as never, { ordered: false });
  }

  async revoke(
    sessionId: string,
    ownerId: string | null,
    ending: Ending,
    purgeAt: EpochMs,
  ): Promise<{ readonly session: SessionRecord; readonly ended: boolean } | null> {
    const owned = { _id: sessionId, ...(ownerId !== null && { accountId: ownerId }) };
    const change = { $set: { revoked: endingDocument(ending), purgeAt: new Date(purgeAt) } };
    const { matchedCount } = await this.model.updateOne({ ...owned, revoked: null }, change);
    const document = await this.model.findOne(owned).lean<SessionDocument>();
    return document && { session: toSession(document), ended: matchedCount === 1 };
  }

  /** `ids`: of all that were selected, so that this process knows at once; `count`: of those that this call ended. */
  async revokeWhere(
    selector: RevokeSelector,
    ending: Ending,
    purgeAt: EpochMs,
  ): Promise<{ readonly ids: readonly string[]; readonly count: number }> {
    const { accountId, epochBelow, ordinalAtMost, exceptId } = selector;
    const filter: QueryFilter<SessionDocument> = {
      accountId,
      ...alive(ending.at),
      ...(epochBelow !== null && { epoch: within({ $lt: epochBelow }) }),
      ...(ordinalAtMost !== null && { ordinal: within({ $lte: ordinalAtMost }) }),
      ...(exceptId !== null && { _id: within({ $ne: exceptId }) }),
    };
    const ids = (await this.model.find(filter, { _id: 1 }).lean<Pick<SessionDocument, '_id'>[]>()).map(({ _id }) => _id);
    const change = { $set: { revoked: endingDocument(ending), purgeAt: new Date(purgeAt) } };
    return { ids, count: (await this.model.updateMany(filter, change)).modifiedCount };
  }

  /** Which of them this call has ended: a bulk write would only tell how many. */
  async revokeMany(ids: readonly string[], ending: Ending, purgeAt: EpochMs): Promise<string[]> {
    const change = { $set: { revoked: endingDocument(ending), purgeAt: new Date(purgeAt) } };
    const results = await Promise.all(
      ids.map(async (id) => ((await this.model.updateOne({ _id: id, revoked: null }, change)).matchedCount === 1 ? id : null)),
    );
    return results.filter((id) => id !== null);
  }

  async erase(accountId: string): Promise<void> {
    await this.model.updateMany({ accountId }, { $set: { ipAddress: null, userAgent: null, device: { ...unknownDevice } } });
  }

  /** Those with these ids that the filter fits, newest first. */
  async listByIds(query: AllSessionsQuery, ids: readonly string[], { limit, after }: Page<SessionPosition>): Promise<SessionRecord[]> {
    const filter = { ...filterOf(sessionSearch(query), after, null), _id: within({ $in: [...ids] }) };
    const documents = await this.model.find(filter).lean<SessionDocument[]>();
    return documents.map(toSession).sort(newestFirst).slice(0, limit);
  }

  search(query: AllSessionsQuery, run: Run): SearchReads<SessionDocument, SessionRecord> {
    return new SearchReads(this.model, run, sessionSearch(query), toSession);
  }

  /** Two steps, of which the second takes only what is still due. */
  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { purgeAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean<Pick<SessionDocument, '_id'>[]>();
    const ids = documents.map(({ _id }) => _id);
    return (await this.model.deleteMany({ _id: within({ $in: ids }), ...due })).deletedCount;
  }

  async list(query: SessionQuery, { limit, after }: Page<SessionPosition>): Promise<SessionRecord[]> {
    const documents = await this.model
      .find(sessionFilter(query, after))
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit)
      .lean<SessionDocument[]>();
    return documents.map(toSession);
  }

  count(query: SessionQuery, atMost: number): Promise<number> {
    return this.model.countDocuments(sessionFilter(query, null)).limit(atMost).exec();
  }

  async findOrdinalBeyond(query: SessionQuery, skip: number): Promise<number | null> {
    const [document] = await this.model
      .find(sessionFilter({ ...query, state: 'ACTIVE' }, null), { ordinal: 1 })
      .sort({ ordinal: -1 })
      .skip(skip)
      .limit(1)
      .lean<Pick<SessionDocument, 'ordinal'>[]>();
    return document?.ordinal ?? null;
  }
}

function alive(at: EpochMs) {
  return { revoked: null, idleExpiresAt: within({ $gt: new Date(at) }) };
}

/** Pipeline expressions: only numbers and dates are put into them, since a string could name a field. */
function seen(at: EpochMs) {
  return { lastSeenAt: { $max: ['$lastSeenAt', new Date(at)] } };
}

/** Notes that the client holds `generation`, if that is the present one and was not known. */
function confirmed(generation: number, at: EpochMs) {
  const isNews = {
    $and: [{ $eq: ['$generation', generation] }, { $lt: ['$confirmedGeneration', generation] }],
  };
  return {
    confirmedGeneration: { $cond: [isNews, generation, '$confirmedGeneration'] },
    confirmedAt: { $cond: [isNews, new Date(at), '$confirmedAt'] },
  };
}
