import type { Model } from 'mongoose';
import type { EpochMs, TallyRecord } from '../records.js';
import { type TallyDocument, tallyDocument, toTally } from './documents.js';
import { duplicateKey } from './guard.js';
import { within } from './session-filters.js';

/** The verbs on tallies. */
export class Tallies {
  constructor(private readonly model: Model<TallyDocument>) {}

  async find(keys: readonly string[]): Promise<TallyRecord[]> {
    return (await this.model.find({ _id: within({ $in: [...keys] }) }).lean<TallyDocument[]>()).map(toTally);
  }

  async replace(tally: TallyRecord, expectedStamp: string | null): Promise<boolean> {
    const { _id, ...rest } = tallyDocument(tally);
    if (expectedStamp === null) return this.add({ _id, ...rest });
    return (await this.model.updateOne({ _id, stamp: expectedStamp }, { $set: rest })).matchedCount === 1;
  }

  private async add(document: TallyDocument): Promise<boolean> {
    try {
      await this.model.create([document]);
      return true;
    } catch (error) {
      if (duplicateKey(error) === null) throw error;
      return false;
    }
  }

  /** Two steps, of which the second takes only what is still due. */
  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { purgeAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean<Pick<TallyDocument, '_id'>[]>();
    const ids = documents.map(({ _id }) => _id);
    return (await this.model.deleteMany({ _id: within({ $in: ids }), ...due })).deletedCount;
  }
}
