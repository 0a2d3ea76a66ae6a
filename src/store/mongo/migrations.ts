import mongoose, { type mongo } from 'mongoose';
import { StoreVersionError } from '../port.js';

/**
 * Brings the data from version n - 1 to n. It may run twice, or on two nodes at once: write it so that a repeat is harmless.
 */
export type Migration = (database: mongo.Db) => Promise<void>;

/** Step n - 1 of the list makes version n. Steps are only ever appended. The first has no data to change. */
export const migrations: readonly Migration[] = [async () => {}];

interface SchemaDocument {
  readonly _id: 'schema';
  readonly version: number;
}

/** Runs the steps that are missing and records the version. Throws `StoreVersionError` when the data are newer. */
export async function migrate(database: mongo.Db, steps: readonly Migration[] = migrations): Promise<void> {
  const meta = database.collection<SchemaDocument>('meta');
  const version = await versionOf(database);
  refuseNewer(version, steps.length);
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    await step(database);
    await record(meta, index + 1);
  }
}

/** 0: there is no database yet. */
export async function versionOf(database: mongo.Db): Promise<number> {
  return (await database.collection<SchemaDocument>('meta').findOne({ _id: 'schema' }))?.version ?? 0;
}

/** Throws `StoreVersionError` for a version that this code does not know. */
export function refuseNewer(version: number, known: number): void {
  if (version <= known) return;
  throw new StoreVersionError(
    `The database has schema version ${version}, this Latchkey knows ${known}: run the newer Latchkey that wrote it, ` +
      'or restore a backup made before the upgrade.',
  );
}

/** Never backwards: another node may be further on. */
async function record(meta: mongo.Collection<SchemaDocument>, version: number): Promise<void> {
  const raise = () => meta.updateOne({ _id: 'schema' }, { $max: { version } }, { upsert: true });
  try {
    await raise();
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoServerError && error.code === 11_000)) throw error;
    await raise();
  }
}
