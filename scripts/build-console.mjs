import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('../', import.meta.url));
const output = join(root, 'dist', 'console');
/** For what is half done: not in dist/, which is published. */
const cache = join(root, '.cache');
/** Inside the output, so that the two come and go together. Only `assets/` and the page are served. */
const stamp = 'build.json';

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => statSync(join(folder, file)).isFile())
    .sort();

/** One hash over all that the output depends on. Of the packages the lock file tells the versions. */
function hashOfInputs() {
  const sources = ['console', 'client/src'].flatMap((folder) => filesIn(join(root, folder)).map((file) => `${folder}/${file}`));
  const hash = createHash('sha256');
  for (const file of [...sources, 'scripts/build-console.mjs', 'package-lock.json', 'tsconfig.json']) {
    if (existsSync(join(root, file)))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0');
  }
  return hash.digest('hex');
}

function isBuiltFrom(inputs) {
  try {
    return JSON.parse(readFileSync(join(output, stamp), 'utf8')).inputs === inputs;
  } catch {
    return false;
  }
}

/** A `.gz` beside each text, which the server sends to whoever accepts it. Returns the sizes in bytes. */
function compress(folder) {
  const files = filesIn(folder).map((file) => {
    const text = readFileSync(join(folder, file));
    const compressed = gzipSync(text, { level: 9 });
    writeFileSync(join(folder, `${file}.gz`), compressed);
    return { file, bytes: text.length, gzipBytes: compressed.length };
  });
  return files.sort((one, other) => other.bytes - one.bytes);
}

/** Another build may be at it, and have put the same there first. At each instant the folder is whole or not there. */
function replace(folder, inputs) {
  const previous = mkdtempSync(join(cache, 'console-'));
  try {
    if (existsSync(output)) renameSync(output, join(previous, 'console'));
    renameSync(folder, output);
  } catch (error) {
    if (!isBuiltFrom(inputs)) throw error;
  } finally {
    rmSync(previous, { recursive: true });
  }
}

function report(files) {
  const kb = (bytes) => `${Math.ceil(bytes / 1024)} kB`;
  const sum = (key) => kb(files.reduce((total, file) => total + file[key], 0));
  for (const { file, bytes, gzipBytes } of files) console.log(`  ${file}: ${kb(bytes)}, ${kb(gzipBytes)} compressed`);
  console.log(`The console was built: ${files.length} assets, ${sum('bytes')}, ${sum('gzipBytes')} compressed.`);
}

const isInstalled = () => {
  try {
    createRequire(import.meta.url).resolve('vite');
    return true;
  } catch {
    return false;
  }
};

/** Builds console/ into dist/console, unless that was built from the same sources and packages, or Vite is not installed. */
export async function buildConsole() {
  if (!isInstalled()) return;
  const inputs = hashOfInputs();
  if (isBuiltFrom(inputs)) return;
  const { build } = await import('vite');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'console-'));
  try {
    await build({ configFile: join(root, 'console', 'vite.config.ts'), logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
    const assets = compress(join(folder, 'assets'));
    writeFileSync(join(folder, stamp), `${JSON.stringify({ inputs, assets }, null, 2)}\n`);
    replace(folder, inputs);
    report(assets);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
