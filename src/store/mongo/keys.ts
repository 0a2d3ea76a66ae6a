import type { Model } from 'mongoose';
import type { KeyRecord } from '../port.js';
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
}
