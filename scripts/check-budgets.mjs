// The size budgets of CONTRIBUTING.md, over src/, client/ and console/. Lines are all lines; a function's are those from its head to its end.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const budgets = { file: { median: 120, p95: 300, most: 400 }, function: { p95: 50, most: 80 } };
/** Tables: long because there is much to list. */
const exempt = new Set(['src/config.ts', 'src/auth/errors.ts', 'src/rules/permissions.ts']);

const root = fileURLToPath(new URL('../', import.meta.url));

function sourceFiles() {
  return ['src', 'client/src', 'client/example', 'console']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file.replaceAll('\\', '/')}`))
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('/generated/') && !exempt.has(file));
}

function functionsOf(source, file) {
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const [first, last] = [node.getStart(source), node.end].map((position) => source.getLineAndCharacterOfPosition(position).line + 1);
      found.push({ size: last - first + 1, place: `${file}:${first}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The smallest measured size that `share` of all do not exceed. */
function quantile(measured, share) {
  const sizes = measured.map(({ size }) => size).sort((one, other) => one - other);
  return sizes[Math.max(0, Math.ceil(sizes.length * share) - 1)] ?? 0;
}

function measure() {
  const files = [];
  const functions = [];
  for (const file of sourceFiles()) {
    const text = readFileSync(join(root, file), 'utf8');
    files.push({ size: text.split('\n').length - 1, place: file });
    functions.push(...functionsOf(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), file));
  }
  return { file: files, function: functions };
}

function exceeded(kind, measured, { median, p95, most }) {
  const problems = [];
  const [middle, high] = [quantile(measured, 0.5), quantile(measured, 0.95)];
  const longest = measured.reduce((one, other) => (other.size > one.size ? other : one), { size: 0, place: 'none' });
  console.log(`${kind}s: ${measured.length}, median ${middle}, 95th percentile ${high}, longest ${longest.size} (${longest.place})`);
  if (median !== undefined && middle >= median) problems.push(`the median ${kind} has ${middle} lines; the budget is under ${median}`);
  if (high >= p95) problems.push(`the 95th percentile of ${kind}s is ${high} lines; the budget is under ${p95}`);
  for (const { size, place } of measured) if (size > most) problems.push(`${place} has ${size} lines; a ${kind} may have ${most}`);
  return problems;
}

const measured = measure();
const problems = Object.keys(budgets).flatMap((kind) => exceeded(kind, measured[kind], budgets[kind]));
if (problems.length > 0) {
  console.error(`${problems.join('\n')}\nSplit what is too long: see "Size" in CONTRIBUTING.md.`);
  process.exitCode = 1;
}
