import type { Model } from 'mongoose';
import type { EpochMs, SignupRecord } from '../records.js';
import { type SignupDocument, signupDocument, toSignup } from './documents.js';
import { duplicateKey } from './guard.js';
import { within } from './session-filters.js';

/** The verbs on sign-ups that wait for their address to be verified. */
export class Signups {
  constructor(private readonly model: Model<SignupDocument>) {}

  async add(signup: SignupRecord): Promise<void> {
    try {
      await this.model.create([signupDocument(signup)]);
    } catch (error) {
      if (duplicateKey(error) === null) throw error;
    }
  }

  async find(id: string): Promise<SignupRecord | null> {
    const document = await this.model.findOne({ _id: id }).lean<SignupDocument>();
    return document && toSignup(document);
  }

  async list(email: string, now: EpochMs, limit: number): Promise<SignupRecord[]> {
    const documents = await this.model
      .find({ email, expiresAt: within({ $gt: new Date(now) }) })
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit)
      .lean<SignupDocument[]>();
    return documents.map(toSignup);
  }

  async renew(id: string, expected: string, tokenHash: string, expiresAt: EpochMs): Promise<boolean> {
    const change = { $set: { tokenHash, expiresAt: new Date(expiresAt) } };
    return (await this.model.updateOne({ _id: id, tokenHash: expected }, change)).matchedCount === 1;
  }

  async remove(id: string, tokenHash: string): Promise<boolean> {
    return (await this.model.deleteOne({ _id: id, tokenHash })).deletedCount === 1;
  }

  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { expiresAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).limit(limit).lean<Pick<SignupDocument, '_id'>[]>();
    return (await this.model.deleteMany({ _id: within({ $in: documents.map(({ _id }) => _id) }), ...due })).deletedCount;
  }
}
