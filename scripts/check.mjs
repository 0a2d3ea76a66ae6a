// Everything that can be judged without running the service: `npm run check`. All steps run; each says what to do when it fails.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The program of an installed package, by the name of its command. */
function program(name, command = name) {
  const manifest = join(root, 'node_modules', name, 'package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return resolve(dirname(manifest), typeof bin === 'string' ? bin : bin[command]);
}

const types = ['--noEmit', '--incremental', '--tsBuildInfoFile', '.cache/check.tsbuildinfo'];
const plain = process.stdout.isTTY ? [] : ['--colors=off'];
const steps = [
  { name: 'build', run: ['scripts/build.mjs'], mend: 'mend the types in src/ and client/src/' },
  { name: 'types', run: [program('typescript', 'tsc'), ...types], mend: 'mend the types in src/, test/ and *.ts' },
  {
    name: 'types of the console',
    run: [program('typescript', 'tsc'), '-p', 'console', '--incremental', '--tsBuildInfoFile', '.cache/check-console.tsbuildinfo'],
    mend: 'mend the types in console/',
  },
  {
    name: "types of the client's example",
    run: [program('typescript', 'tsc'), '-p', 'client/example'],
    mend: 'mend the types in client/example/',
  },
  { name: 'lint and format', run: [program('@biomejs/biome', 'biome'), 'ci', ...plain], mend: 'npm run format, then mend what is left' },
  {
    name: 'layers and cycles',
    run: [program('dependency-cruiser', 'depcruise'), 'src', 'client/src', 'client/example', 'console'],
    mend: 'see the table in .dependency-cruiser.cjs and docs/architecture.md',
  },
  { name: 'dead code and dependencies', run: [program('knip'), '--no-progress'], mend: 'remove what nobody uses, name what is used' },
  { name: 'schema in step', run: ['scripts/emit-schema.mjs', '--check'], mend: 'npm run schema, and read the difference' },
  { name: 'operations in step', run: ['scripts/generate-operations.mjs', '--check'], mend: 'npm run codegen' },
  { name: 'documentation in step', run: ['scripts/generate-docs.mjs', '--check'], mend: 'npm run docs' },
  {
    name: 'licences',
    run: ['scripts/licences.mjs', '--check'],
    mend: 'npm run licences; a licence that is refused: see scripts/licences.mjs',
  },
  { name: 'size budgets', run: ['scripts/check-budgets.mjs'], mend: 'split what is too long: see CONTRIBUTING.md' },
];

const failed = [];
for (const step of steps) {
  const begun = Date.now();
  console.log(`\n# ${step.name}`);
  const { status } = spawnSync(process.execPath, step.run, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok' : 'FAILED'} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  if (status !== 0) failed.push(step);
}

if (failed.length > 0) {
  console.error(`\n${failed.length} of ${steps.length} checks failed:`);
  for (const { name, mend } of failed) console.error(`  ${name}: ${mend}`);
  process.exitCode = 1;
} else {
  console.log(`\nAll ${steps.length} checks passed.`);
}
