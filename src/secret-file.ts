import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The secret of a quick start: made once in the data folder, readable by its owner alone, and read again at every later start.
 * Two servers that start at once on a new folder get the same one: a hard link is made whole or not at all, and only once.
 */
export async function secretFromDataFolder(dataDir: string): Promise<{ readonly secret: string; readonly path: string }> {
  const path = join(dataDir, 'secret');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const existing = await readSecret(path);
  if (existing !== null) return { secret: existing, path };
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const secret = await readSecret(path);
  if (secret === null) throw new Error('the secret in the data folder cannot be read');
  return { secret, path };
}

/** Null when there is no file. An emptied file is refused: a new secret would not open the store's keys. */
async function readSecret(path: string): Promise<string | null> {
  try {
    const secret = (await readFile(path, 'utf8')).trim();
    if (secret.length < 32)
      throw new Error('the secret in the data folder is damaged: restore it, or move it and the database away to start anew');
    return secret;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
