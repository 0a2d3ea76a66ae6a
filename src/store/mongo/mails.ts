import type { Model } from 'mongoose';
import type { EpochMs, MailRecord } from '../records.js';
import type { MailDocument } from './documents.js';
import { duplicateKey } from './guard.js';
import { within } from './session-filters.js';

/** The verbs on the outbox. */
export class Mails {
  constructor(private readonly model: Model<MailDocument>) {}

  async put({ id, createdAt, dueAt, purgeAt, kind, sealed, attempts, claimId }: MailRecord): Promise<void> {
    const instants = { createdAt: new Date(createdAt), dueAt: new Date(dueAt), purgeAt: new Date(purgeAt) };
    try {
      await this.model.create([{ _id: id, kind, sealed, attempts, claimId, ...instants }]);
    } catch (error) {
      if (duplicateKey(error) === null) throw error;
    }
  }

  /**
   * A look, then a compare-and-set for each: whoever else saw the same mails loses them. Not one mail at a time by `findOneAndUpdate`, whose
   * callers would all fight for the first.
   */
  async claim(dueBy: EpochMs, claim: { readonly id: string; readonly until: EpochMs }, limit: number): Promise<MailRecord[]> {
    const due = await this.model
      .find({ dueAt: within({ $lte: new Date(dueBy) }) })
      .sort({ dueAt: 1 })
      .limit(limit)
      .lean<MailDocument[]>();
    const claimed = await Promise.all(
      due.map(async (mail) => {
        const { _id, dueAt, attempts, claimId } = mail;
        const taken = { claimId: claim.id, dueAt: new Date(claim.until), attempts: attempts + 1 };
        const { matchedCount } = await this.model.updateOne({ _id, dueAt, attempts, claimId }, { $set: taken });
        return matchedCount === 1 ? toMail({ ...mail, ...taken }) : null;
      }),
    );
    return claimed.filter((mail) => mail !== null);
  }

  async release(id: string, claimId: string, dueAt: EpochMs): Promise<boolean> {
    const change = { $set: { claimId: null, dueAt: new Date(dueAt) } };
    return (await this.model.updateOne({ _id: id, claimId }, change)).matchedCount === 1;
  }

  async remove(id: string, claimId: string | null): Promise<boolean> {
    return (await this.model.deleteOne({ _id: id, ...(claimId !== null && { claimId }) })).deletedCount === 1;
  }

  /** Two steps, of which the second takes only what is still due. */
  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { purgeAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean<Pick<MailDocument, '_id'>[]>();
    const ids = documents.map(({ _id }) => _id);
    return (await this.model.deleteMany({ _id: within({ $in: ids }), ...due })).deletedCount;
  }
}

function toMail(document: MailDocument): MailRecord {
  const { _id: id, kind, sealed, attempts, claimId, createdAt, dueAt, purgeAt } = document;
  const instants = { createdAt: createdAt.getTime(), dueAt: dueAt.getTime(), purgeAt: purgeAt.getTime() };
  return { id, kind, sealed, attempts, claimId, ...instants };
}
