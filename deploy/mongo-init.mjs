// Prepares MongoDB for Latchkey: the replica set, and an account with the rights that a server needs on its own database. It may run
// any number of times, and sets the password anew to the one of the store URL. Runs in Latchkey's image, which has the driver.
//
// Usage: node mongo-init.mjs ADMIN_URL ADMIN_PASSWORD_FILE STORE_URL_FILE
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { mongo } from 'mongoose';

const role = 'latchkeyServer';
/**
 * What the server asks of MongoDB: reads and writes of documents; collections and indexes made at the start; `latchkey doctor` looks at
 * indexes and mends their clean-up time; change streams. Not: dropping anything, users, other databases.
 */
const actions = [
  'find',
  'insert',
  'update',
  'remove',
  'createCollection',
  'createIndex',
  'listCollections',
  'listIndexes',
  'collMod',
  'collStats',
  'changeStream',
];
const longestElectionMs = 60_000;

const secretFrom = (path) => readFileSync(path, 'utf8').trim();

/** Account and database of the store URL, which is the one place where this password is kept. */
function accountOf(storeUrl) {
  const [, user, password, host, database] = /^mongodb:\/\/([^:/@]+):([^@/]+)@([^/?]+)\/([^?]+)/.exec(storeUrl) ?? [];
  if (database === undefined) throw new Error('the store URL names no user, password or database');
  return { user: decodeURIComponent(user), password: decodeURIComponent(password), host: host.split(',')[0], database };
}

async function isInitiated(admin) {
  try {
    await admin.command({ replSetGetStatus: 1 });
    return true;
  } catch (error) {
    if (error.codeName === 'NotYetInitialized') return false;
    throw error;
  }
}

async function initiate(admin, host) {
  if (await isInitiated(admin)) return;
  try {
    await admin.command({ replSetInitiate: { _id: 'latchkey', members: [{ _id: 0, host }] } });
    console.log('initiated the replica set');
  } catch (error) {
    if (error.codeName !== 'AlreadyInitialized') throw error;
  }
}

async function waitForPrimary(admin) {
  const giveUpAt = Date.now() + longestElectionMs;
  while (!(await admin.command({ hello: 1 })).isWritablePrimary) {
    if (Date.now() > giveUpAt) throw new Error('the replica set has no primary');
    await delay(200);
  }
}

async function grant(database, { user, password }) {
  const privileges = [{ resource: { db: database.databaseName, collection: '' }, actions }];
  const { roles } = await database.command({ rolesInfo: role });
  await database.command({ [roles.length > 0 ? 'updateRole' : 'createRole']: role, privileges, roles: [] });
  const { users } = await database.command({ usersInfo: user });
  await database.command({ [users.length > 0 ? 'updateUser' : 'createUser']: user, pwd: password, roles: [role] });
  console.log(`${users.length > 0 ? 'renewed' : 'made'} the account ${user} on ${database.databaseName}`);
}

async function initialize(adminUrl, adminPasswordFile, storeUrlFile) {
  const account = accountOf(secretFrom(storeUrlFile));
  const client = new mongo.MongoClient(adminUrl, {
    auth: { username: 'root', password: secretFrom(adminPasswordFile) },
    authSource: 'admin',
    directConnection: true,
  });
  try {
    const admin = client.db('admin');
    await initiate(admin, account.host);
    await waitForPrimary(admin);
    await grant(client.db(account.database), account);
  } finally {
    await client.close();
  }
}

try {
  await initialize(...process.argv.slice(2));
} catch (error) {
  console.error(`MongoDB was not prepared: ${error.message}`);
  process.exitCode = 1;
}
