import mongoose, { type mongo } from 'mongoose';
import { type IndexFault, type Mended, offsetOf, type StoreInspection } from '../inspection.js';
import { StoreUnavailableError, StoreVersionError } from '../port.js';
import { ensureIndexes, indexes } from './indexes.js';
import { Keys } from './keys.js';
import { migrate, migrations, refuseNewer, versionOf } from './migrations.js';
import { modelsOn } from './models.js';
import { connect } from './open.js';

type Collection = keyof typeof indexes;
interface Index {
  readonly name: string;
  readonly key: object;
  readonly unique?: boolean;
  readonly partialFilterExpression?: object;
  readonly expireAfterSeconds?: number;
}

/**
 * Looks at the database without a change to it. Throws `StoreUnavailableError` when the server cannot be reached, `StoreVersionError` when the
 * data are newer than this code.
 */
export function inspectMongoStore(url: string): Promise<StoreInspection> {
  return withDatabase(url, async (database, connection) => {
    const clockOffsetMs = await clockOffset(database);
    const version = await versionOf(database);
    refuseNewer(version, migrations.length);
    const found = (await Promise.all((Object.keys(indexes) as Collection[]).map((name) => faultsOf(database, name)))).flat();
    const { keys } = modelsOn(connection);
    return {
      exists: version > 0,
      version,
      knownVersion: migrations.length,
      indexFaults: version > 0 ? found : [],
      clockOffsetMs,
      keys: await new Keys(keys).list(),
      file: null,
    };
  });
}

/**
 * Migrates as a start does, makes the indexes that are missing, and brings a TTL that has drifted back. An index that is unique, or has other
 * fields, is left as it is: dropping it while servers run would take their uniqueness away. Throws what `openMongoStore` throws.
 */
export function mendMongoStore(url: string): Promise<Mended> {
  return withDatabase(url, async (database) => {
    const before = await versionOf(database);
    await migrate(database);
    const mended = before < migrations.length ? [`migrated from version ${before} to ${migrations.length}`] : [];
    for (const collection of Object.keys(indexes) as Collection[]) {
      for (const { index, kind } of await faultsOf(database, collection)) {
        if (kind !== 'ttl') continue;
        await mendTtl(database, collection, index.slice(collection.length + 1));
        mended.push(`set the index ${index} to remove records when they are due`);
      }
    }
    const missing = (await Promise.all((Object.keys(indexes) as Collection[]).map((name) => faultsOf(database, name))))
      .flat()
      .filter(({ kind }) => kind === 'missing');
    await ensureIndexes(database);
    return [...mended, ...missing.map(({ index }) => `made the index ${index}`)];
  });
}

async function mendTtl(database: mongo.Db, collection: Collection, name: string): Promise<void> {
  try {
    await database.command({ collMod: collection, index: { name, expireAfterSeconds: 0 } });
  } catch (error) {
    // Servers before MongoDB 5.1 cannot make a TTL index of one that is none. It guards nothing, so it may go; `ensureIndexes` makes it anew.
    if (!(error instanceof mongoose.mongo.MongoServerError)) throw error;
    await database.collection(collection).dropIndex(name);
  }
}

async function faultsOf(database: mongo.Db, collection: Collection): Promise<IndexFault[]> {
  const found = new Map((await existing(database, collection)).map((index) => [index.name, index]));
  return indexes[collection].flatMap((wanted: Index): IndexFault[] => {
    const kind = faultOf(wanted, found.get(wanted.name));
    return kind === null ? [] : [{ index: `${collection}.${wanted.name}`, kind }];
  });
}

/** The options that change what an index does. */
function faultOf(wanted: Index, found: Index | undefined): IndexFault['kind'] | null {
  if (found === undefined) return 'missing';
  const meaning = ({ key, unique = false, partialFilterExpression }: Index) =>
    JSON.stringify([Object.entries(key), unique, partialFilterExpression ?? null]);
  if (meaning(wanted) !== meaning(found)) return 'different';
  return wanted.expireAfterSeconds === found.expireAfterSeconds ? null : 'ttl';
}

async function existing(database: mongo.Db, collection: Collection): Promise<Index[]> {
  try {
    return (await database.collection(collection).indexes()) as Index[];
  } catch (error) {
    // NamespaceNotFound: there is no collection yet.
    if (error instanceof mongoose.mongo.MongoServerError && error.code === 26) return [];
    throw error;
  }
}

async function clockOffset(database: mongo.Db): Promise<number | null> {
  const askedAt = Date.now();
  const { localTime } = await database.admin().command({ hello: 1 });
  return localTime instanceof Date ? offsetOf(localTime.getTime(), askedAt, Date.now()) : null;
}

async function withDatabase<T>(url: string, work: (database: mongo.Db, connection: mongoose.Connection) => Promise<T>): Promise<T> {
  const connection = await connect(url);
  try {
    const database = connection.db;
    if (database === undefined) throw new Error('not connected');
    return await work(database, connection);
  } catch (error) {
    throw error instanceof StoreVersionError ? error : new StoreUnavailableError(error);
  } finally {
    await connection.close(true).catch(() => {});
  }
}
