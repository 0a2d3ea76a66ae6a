import { chmod, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { measureHash } from '../auth/passwords.js';
import type { Config } from '../config.js';
import { secretPath } from '../secret-file.js';
import { type Check, fail, ok, warn } from './check.js';

/** Long enough to make guessing dear, short enough that a person does not wait. */
const wantedHashMs = 250;
const cost = { least: 10, most: 15 };
const mebibyte = 1024 * 1024;

/** Measured once, on a machine that may be busy. */
export async function checkHashing({ bcryptCost }: Pick<Config, 'bcryptCost'>): Promise<Check> {
  const took = await measureHash(bcryptCost);
  const nearest = Math.min(cost.most, Math.max(cost.least, bcryptCost + Math.round(Math.log2(wantedHashMs / took))));
  const facts = `a hash at cost ${bcryptCost} takes ${Math.round(took)} ms here; cost ${nearest} comes nearest ${wantedHashMs} ms`;
  if (Math.abs(nearest - bcryptCost) < 2) return ok('passwords', facts);
  return warn('passwords', `${facts}: set LATCHKEY_BCRYPT_COST, or do not if other machines differ`);
}

interface PrivateFile {
  readonly path: string;
  readonly mode: 0o600 | 0o700;
  readonly holds: string;
}

/** Whether others than the owner may read what must be private. `mend`: takes that from them. What is not there is not made. */
export async function checkFiles(config: Pick<Config, 'dataDir'>, database: string | null, mend: boolean): Promise<Check[]> {
  const files: PrivateFile[] = [
    { path: config.dataDir, mode: 0o700, holds: 'the data folder' },
    { path: secretPath(config.dataDir), mode: 0o600, holds: 'the secret' },
    ...(database === null ? [] : [database, `${database}-wal`].map((path) => ({ path, mode: 0o600, holds: 'the database' }) as const)),
  ];
  const checks = await Promise.all(files.map((file) => checkFile(file, mend)));
  const found = checks.filter((check) => check !== null);
  return found.length > 0 ? found : [ok('files', 'readable by their owner alone')];
}

async function checkFile({ path, mode, holds }: PrivateFile, mend: boolean): Promise<Check | null> {
  const found = await stat(path).catch(() => null);
  // Windows has no such modes.
  if (found === null || process.platform === 'win32' || (found.mode & 0o077) === 0) return null;
  if (mend && (await isChanged(path, mode))) return ok('files', `${path}: others may not read it any more`);
  const message = `${path} (${holds}) is open to other users of this machine: chmod ${mode.toString(8)}, or doctor --fix`;
  return mode === 0o700 ? warn('files', message) : fail('files', message);
}

const isChanged = (path: string, mode: number): Promise<boolean> =>
  chmod(path, mode).then(
    () => true,
    () => false,
  );

/** Free space where the database lies. */
export async function checkDisk(database: string | null): Promise<Check> {
  const folder = database === null ? null : await nearestFolder(database);
  if (folder === null) return ok('disk', 'the database is not a file of this machine');
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = bavail * bsize;
  const facts = `${Math.floor(free / mebibyte)} MiB are free in ${folder}`;
  if (free < 64 * mebibyte) return fail('disk', `${facts}: writes will soon be refused. Make room`);
  return free < 512 * mebibyte || bavail < blocks / 50 ? warn('disk', `${facts}: make room`) : ok('disk', facts);
}

/** The folder, or what there is of the way to it. */
async function nearestFolder(path: string): Promise<string> {
  const folder = dirname(path);
  const isThere = (await stat(folder).catch(() => null)) !== null;
  return isThere || folder === path ? folder : nearestFolder(folder);
}
