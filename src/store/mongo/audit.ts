import mongoose, { type Model } from 'mongoose';
import type { AuditQuery, AuditSums } from '../queries.js';
import type { AuditEventType, AuditRecord, EpochMs } from '../records.js';
import { type AuditDocument, auditDocument, toAuditRecord } from './documents.js';
import { duplicateKey, type TimeLimits } from './guard.js';
import { auditSearches, type Run, SearchReads } from './searches.js';
import { within } from './session-filters.js';

/** The verbs on the audit log. */
export class Audit {
  constructor(
    private readonly model: Model<AuditDocument>,
    private readonly limits: TimeLimits,
  ) {}

  /** Those that are there already are left as they are. */
  async append(events: readonly AuditRecord[]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.model.insertMany(events.map(auditDocument), { ordered: false, throwOnValidationError: true });
    } catch (error) {
      if (!isRepeat(error)) throw error;
    }
  }

  async count(event: AuditRecord): Promise<void> {
    const { count, _id, ...rest } = auditDocument(event);
    const add = () => this.model.updateOne({ _id }, { $setOnInsert: rest, $inc: { count } }, { upsert: true });
    try {
      await add();
    } catch (error) {
      // Two made the first one at once: it is there by now.
      if (duplicateKey(error) === null) throw error;
      await add();
    }
  }

  searches(query: AuditQuery, run: Run): SearchReads<AuditDocument, AuditRecord>[] {
    return auditSearches(query).map((search) => new SearchReads(this.model, run, search, toAuditRecord));
  }

  async sum(types: readonly AuditEventType[], edges: readonly EpochMs[]): Promise<AuditSums[]> {
    const boundaries = edges.map((edge) => new Date(edge));
    const ofType = (type: AuditEventType) => ({ $sum: { $cond: [{ $eq: ['$type', type] }, '$count', 0] } });
    const output = Object.fromEntries(types.map((type) => [type, ofType(type)]));
    const range = { $gte: boundaries[0], $lt: boundaries.at(-1) };
    const sums = await this.model
      .aggregate<{ readonly _id: Date } & AuditSums>([
        { $match: { type: { $in: [...types] }, createdAt: range } },
        { $bucket: { groupBy: '$createdAt', boundaries, output } },
      ])
      .hint('type')
      .option({ maxTimeMS: this.limits.wait });
    const byEdge = new Map(sums.map(({ _id, ...sum }) => [_id.getTime(), sum]));
    return edges.slice(0, -1).map((edge) => byEdge.get(edge) ?? {});
  }

  async erase(accountId: string): Promise<void> {
    await this.model.updateMany({ accountId, actorId: within({ $in: [null, accountId] }) }, { $set: { ipAddress: null, userAgent: null } });
  }

  /** Two steps, of which the second takes only what is still due. */
  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { purgeAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean<Pick<AuditDocument, '_id'>[]>();
    const ids = documents.map(({ _id }) => _id);
    return (await this.model.deleteMany({ _id: within({ $in: ids }), ...due })).deletedCount;
  }
}

/** Whether nothing went wrong but that some were there already. The driver gives an outage the same class, without a single write error. */
function isRepeat(error: unknown): boolean {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError) || error.code !== 11_000) return false;
  const writeErrors = [error.writeErrors].flat();
  const isDurable = error.result.getWriteConcernError() === undefined;
  return isDurable && writeErrors.length > 0 && writeErrors.every(({ code }) => code === 11_000);
}
