import type { Model } from 'mongoose';
import type { EpochMs, KeyRecord } from '../records.js';
import { type KeyDocument, keyDocument, toKey, wrappingField } from './documents.js';
import { duplicateKey } from './guard.js';

/** The verbs on the server's own keys. */
export class Keys {
  constructor(private readonly model: Model<KeyDocument>) {}

  async list(): Promise<KeyRecord[]> {
    const documents = await this.model.find().sort({ purpose: 1, sequence: 1 }).lean<KeyDocument[]>();
    return documents.map(toKey);
  }

  /** False when the purpose's sequence number, or the id, is taken. */
  async add(key: KeyRecord): Promise<boolean> {
    try {
      await this.model.create([keyDocument(key)]);
      return true;
    } catch (error) {
      if (duplicateKey(error) === null) throw error;
      return false;
    }
  }

  async addWrapping(id: string, secretId: string, ciphertext: string): Promise<void> {
    await this.model.updateOne({ _id: id }, { $set: { [`wrapped.${wrappingField(secretId)}`]: ciphertext } });
  }

  async removeWrappings(id: string, secretIds: readonly string[], kept: Readonly<Record<string, string>>): Promise<boolean> {
    const path = (secretId: string) => `wrapped.${wrappingField(secretId)}`;
    const filter = { _id: id, ...Object.fromEntries(Object.entries(kept).map(([secretId, text]) => [path(secretId), text])) };
    if (secretIds.length === 0) return (await this.model.exists(filter)) !== null;
    const { matchedCount } = await this.model.updateOne(filter, {
      $unset: Object.fromEntries(secretIds.map((secretId) => [path(secretId), 1])),
    });
    return matchedCount === 1;
  }

  async revoke(id: string, at: EpochMs): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne(
      { _id: id, purpose: 'signing', revokedAt: null },
      { $set: { revokedAt: new Date(at) } },
    );
    return matchedCount === 1;
  }
}
