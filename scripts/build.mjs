// Compiles src/ into dist/, and console/ into dist/console. `npm ci` calls it as `prepare`: without the development dependencies there is nothing to compile with,
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
function removeOrphans() {
  const dist = join(root, 'dist');
  if (!existsSync(dist)) return;
  for (const file of readdirSync(dist, { recursive: true })) {
    if (/^console\b/.test(file)) continue;
    const stem = /^(.+?)(?:\.d\.ts|\.js)$/.exec(file)?.[1];
    if (stem !== undefined && !existsSync(join(root, 'src', `${stem}.ts`))) rmSync(join(dist, file));
  }
}

const compiler = compilerPath();
if (compiler === null) {
  console.log('Nothing was built: the development dependencies are not installed.');
} else {
  removeOrphans();
  process.exitCode = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' }).status ?? 1;
  await buildConsole();
}
