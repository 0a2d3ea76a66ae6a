import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, isStrong } from './config.js';

/**
 * The secret of a quick start: made once in the data folder, readable by its owner alone, and read again at every later start.
 * Two servers that start at once on a new folder get the same one: a hard link is made whole or not at all, and only once.
 */
export async function secretFromDataFolder(dataDir: string): Promise<{ readonly secret: string; readonly path: string }> {
  const path = secretPath(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const existing = await readSecret(path);
  // In a folder of somebody else's, or one that cannot be written, the file is as it is.
  if (existing !== null) await chmod(path, 0o600).catch(() => {});
  if (existing !== null) return { secret: existing, path };
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, path);
    await syncFolder(dataDir);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const secret = await readSecret(path);
  if (secret === null) throw damaged();
  return { secret, path };
}

const damaged = () =>
  new ConfigError([
    {
      variable: 'LATCHKEY_DATA_DIR',
      problem: 'holds a damaged secret: restore the file `secret`, or move it and the database away to start anew',
    },
  ]);

export const secretPath = (dataDir: string): string => join(dataDir, 'secret');

/** Null when there is no file. A damaged one is refused: a new secret would not open the store's keys: throws `ConfigError`. */
export async function readSecret(path: string): Promise<string | null> {
  try {
    const secret = (await readFile(path, 'utf8')).trim();
    if (!isStrong(secret)) throw damaged();
    return secret;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** A power loss must not leave a database whose secret was only in a cache. Where folders cannot be opened, the system sees to it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

const isCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
