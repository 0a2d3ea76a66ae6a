// Compiles src/ into dist/, client/ into client/dist, and console/ into dist/console. `npm ci` calls it as `prepare`: without the development dependencies there is nothing to compile with,
// and the folder stays as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildConsole } from './build-console.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

function compilerPath() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return null;
  }
}

/** What was compiled from a source that is no more would still be found by tests and by `node`. */
function removeOrphans(dist, sources) {
  if (!existsSync(dist)) return;
  for (const file of readdirSync(dist, { recursive: true })) {
    if (/^console\b/.test(file)) continue;
    const stem = /^(.+?)(?:\.d\.ts|\.js)$/.exec(file)?.[1];
    if (stem !== undefined && !['.ts', '.tsx'].some((ending) => existsSync(join(sources, `${stem}${ending}`)))) rmSync(join(dist, file));
  }
}

/** Returns the compiler's exit code. */
function compile(compiler, project, dist, sources) {
  removeOrphans(join(root, dist), join(root, sources));
  return spawnSync(process.execPath, [compiler, '-p', join(root, project)], { stdio: 'inherit' }).status ?? 1;
}

const compiler = compilerPath();
if (compiler === null) {
  console.log('Nothing was built: the development dependencies are not installed.');
} else {
  const failed = [compile(compiler, 'tsconfig.build.json', 'dist', 'src'), compile(compiler, 'client', 'client/dist', 'client/src')];
  process.exitCode = Math.max(...failed);
  await buildConsole();
}
