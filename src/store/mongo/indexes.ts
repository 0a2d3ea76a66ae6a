import mongoose, { type mongo } from 'mongoose';
import { StoreVersionError } from '../port.js';

/** Every index, by collection. Clean-up goes by `purgeAt` itself, so that a changed setting never changes an index. */
export const indexes = {
  accounts: [
    { name: 'email', key: { email: 1 }, unique: true },
    {
      name: 'usernameKey',
      key: { usernameKey: 1 },
      unique: true,
      // Not by `$type`: the planner would not see that a search for one name lies within that, and would scan the collection.
      partialFilterExpression: { usernameKey: { $gt: '' } },
    },
    { name: 'changedAt', key: { changedAt: 1 } },
    { name: 'present', key: { deletedAt: 1, createdAt: -1, _id: -1 } },
    { name: 'unfinished', key: { unfinishedSince: 1 } },
    { name: 'purge', key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  ],
  signups: [
    { name: 'email', key: { email: 1, createdAt: -1, _id: -1 } },
    { name: 'purge', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
  sessions: [
    { name: 'list', key: { accountId: 1, createdAt: -1, _id: -1 } },
    { name: 'ordinal', key: { accountId: 1, ordinal: -1 } },
    { name: 'newest', key: { createdAt: -1, _id: -1 } },
    { name: 'address', key: { ipAddress: 1, createdAt: -1, _id: -1 } },
    { name: 'purge', key: { purgeAt: 1 }, expireAfterSeconds: 0 },
    { name: 'revokedAt', key: { 'revoked.at': 1 } },
  ],
  keys: [{ name: 'sequence', key: { purpose: 1, sequence: 1 }, unique: true }],
  auditEvents: [
    { name: 'newest', key: { createdAt: -1, _id: -1 } },
    { name: 'type', key: { type: 1, createdAt: -1, _id: -1 } },
    { name: 'account', key: { accountId: 1, createdAt: -1, _id: -1 } },
    { name: 'session', key: { sessionId: 1, createdAt: -1, _id: -1 } },
    { name: 'address', key: { ipAddress: 1, createdAt: -1, _id: -1 } },
    { name: 'purge', key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  ],
  tallies: [{ name: 'purge', key: { purgeAt: 1 }, expireAfterSeconds: 0 }],
  mails: [
    { name: 'due', key: { dueAt: 1 } },
    { name: 'purge', key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  ],
} as const satisfies Record<string, readonly mongo.IndexDescription[]>;

/** IndexOptionsConflict, IndexKeySpecsConflict, DuplicateKey. */
const conflictCodes: readonly unknown[] = [85, 86, 11_000];

/**
 * Creates what is missing and waits for it. Throws `StoreVersionError` when an index of that name or key has other options, or
 * the data do not allow it: dropping it while other nodes run would take their uniqueness away.
 */
export async function ensureIndexes(database: mongo.Db): Promise<void> {
  for (const [collection, wanted] of Object.entries(indexes)) {
    for (const { key, ...options } of wanted) {
      try {
        await database.collection(collection).createIndex({ ...key }, { ...options });
      } catch (error) {
        if (!(error instanceof mongoose.mongo.MongoServerError && conflictCodes.includes(error.code))) throw error;
        throw new StoreVersionError(
          `The index ${collection}.${options.name} cannot be made as this version needs it (MongoDB error ${error.code}): ` +
            'drop the index that stands in its way, or mend the duplicates, and start again.',
        );
      }
    }
  }
}
