import mongoose, { type Connection, type mongo } from 'mongoose';
import { StoreUnavailableError, StoreVersionError } from '../port.js';
import { Guard, timeLimits, withoutTimeout } from './guard.js';
import { ensureIndexes } from './indexes.js';
import { migrate } from './migrations.js';
import type { ReadConcern } from './models.js';
import { MongoStore } from './store.js';

const defaultDatabase = 'latchkey';

/**
 * Connects, migrates the data and waits for the indexes. The database is the one that the URL names, `latchkey` when it names
 * none. Throws `StoreUnavailableError` when the server cannot be reached, refuses the credentials or the URL is malformed,
 * `StoreVersionError` when the data are newer than this code.
 */
export async function openMongoStore(url: string): Promise<MongoStore> {
  const connection = await connect(url);
  try {
    const database = connection.db;
    if (database === undefined) throw new Error('not connected');
    await migrate(database);
    await ensureIndexes(database);
    return new MongoStore(connection, new Guard(timeLimits(url)), await strongestReadOf(database));
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw error instanceof StoreVersionError ? error : new StoreUnavailableError(error);
  }
}

/** A stand-alone server has one copy of the data, and refuses the read concern of replica sets. */
async function strongestReadOf(database: mongo.Db): Promise<ReadConcern> {
  const { setName, msg } = await database.command({ hello: 1 });
  return setName !== undefined || msg === 'isdbgrid' ? 'linearizable' : 'local';
}

/** Connects, and changes nothing. Throws `StoreUnavailableError`. */
export async function connect(url: string): Promise<Connection> {
  const { wait } = timeLimits(url);
  let connection: Connection;
  try {
    connection = mongoose.createConnection(withoutTimeout(url), {
      ...databaseOptions(url),
      autoIndex: false,
      autoCreate: false,
      sanitizeFilter: true,
      bufferCommands: false,
      writeConcern: { w: 'majority', journal: true },
      readPreference: 'primary',
      // The driver does not send retryable writes to a stand-alone server, which has none.
      retryWrites: true,
      serverSelectionTimeoutMS: wait,
      waitQueueTimeoutMS: wait,
      // A heartbeat that gets no answer breaks the connections that wait for one: no `socketTimeoutMS`, which would also
      // break off the building of a large index.
      connectTimeoutMS: 2_000,
      heartbeatFrequencyMS: 1_000,
    });
  } catch {
    // The parser's error quotes the URL, password included.
    throw new StoreUnavailableError(new Error('the MongoDB URL is malformed'));
  }
  try {
    return await connection.asPromise();
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw new StoreUnavailableError(isParseError(error) ? new Error('the MongoDB URL is malformed') : error);
  }
}

function isParseError(error: unknown): boolean {
  const { MongoParseError, MongoInvalidArgumentError } = mongoose.mongo;
  return error instanceof MongoParseError || error instanceof MongoInvalidArgumentError || error instanceof TypeError;
}

/** Naming the database by an option would also make it the one that credentials are checked against, which is `admin`. */
function databaseOptions(url: string): { dbName?: string; authSource?: string } {
  const [, credentials, path = '', query = ''] = /^[^:]+:\/\/([^@/]*@)?[^/?]*(\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  if (path.length > 1) return {};
  const own = credentials === undefined || /[?&]auth(Source|Mechanism)=/i.test(query);
  return { dbName: defaultDatabase, ...(!own && { authSource: 'admin' }) };
}
