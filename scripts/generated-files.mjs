import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project, with a slash at the end. */
export const root = new URL('../', import.meta.url);

/** A module of the build. Exits with 1 and says what to run where there is none. */
export async function importBuilt(path) {
  try {
    return await import(new URL(`dist/${path}`, root).href);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error(`dist/${path} is missing or incomplete. Run: npm run build`);
    process.exit(1);
  }
}

/**
 * Writes generated files (URL -> text), or with `--check` on the command line compares them with what is there: then any
 * difference is named, with the command that mends it, and the exit code is 1.
 */
export async function writeOrCheck(files, command) {
  const isCheck = process.argv.includes('--check');
  const stale = [];
  for (const [url, text] of files) {
    const present = await readFile(url, 'utf8').catch(() => null);
    if (present === text) continue;
    if (isCheck) stale.push(relative(fileURLToPath(root), fileURLToPath(url)));
    else await write(url, text);
  }
  if (stale.length === 0) return;
  console.error(`Out of step with the code: ${stale.join(', ')}. Run: ${command}`);
  process.exitCode = 1;
}

async function write(url, text) {
  const path = fileURLToPath(url);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
