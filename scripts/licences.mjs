// docs/licences.md from package-lock.json: what a running Latchkey is made of, under which licences. With --check: compares only. Fails
// for a licence that is not on the list.
import { existsSync, readFileSync } from 'node:fs';
import { root, writeOrCheck } from './generated-files.mjs';

/** Licences that ask for no more than the notice to be kept. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Others, for a package that was looked at: the reason stands in the page. */
const exceptions = {
  'fxa-common-password-list': { licence: 'MPL-2.0', reason: 'binds changes to its own files; used as it is' },
  'incremental-encoder': { licence: 'MPL-2.0', reason: 'binds changes to its own files; used as it is' },
};

/** Names that are not SPDX's, as packages write them. */
const spellings = { 'MPL 2.0': 'MPL-2.0' };

/** What the bundle of the console is made from; with what these need, to the last. */
const consolePackages = [
  '@apollo/client',
  '@graphiql/react',
  '@graphiql/toolkit',
  'graphiql',
  'graphql',
  'graphql-ws',
  'monaco-editor',
  'react',
  'react-dom',
  'rxjs',
];

const readJson = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
const { packages } = readJson('package-lock.json');
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Where Node would find a package, from the folder of one that asks for it. Null where the lock file has none. */
function find(from, name) {
  for (let folder = from; ; ) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return null;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1));
  }
}

/** The paths of these packages and of all that they need, optional and peer dependencies too. */
function withDependencies(names) {
  const found = new Set();
  const open = names.map((name) => find('', name));
  while (open.length > 0) {
    const path = open.pop();
    if (path === null || found.has(path)) continue;
    found.add(path);
    const { dependencies, optionalDependencies, peerDependencies } = packages[path];
    open.push(...Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).map((name) => find(path, name)));
  }
  return [...found];
}

/** The licence in the lock file. Throws where an installed copy says something else, which npm never writes. */
function licenceOf(path) {
  const manifest = `${path}/package.json`;
  const { license } = packages[path];
  if (existsSync(new URL(manifest, root))) {
    const { license: installed } = readJson(manifest);
    if (installed !== license) throw new Error(`${nameOf(path)}: the lock file and the installed package differ in their licence.`);
  }
  return spellings[license] ?? license;
}

/** An SPDX expression of one kind of operator; one that mixes them is for a person to read, and so not allowed. */
function isAllowed(name, licence) {
  if (licence === undefined) return false;
  if (exceptions[name]?.licence === licence) return true;
  if (licence.includes(' AND ') && licence.includes(' OR ')) return false;
  const parts = licence.replaceAll(/[()]/g, '').split(/ AND | OR /);
  return licence.includes(' OR ') ? parts.some((part) => allowed.has(part)) : parts.every((part) => allowed.has(part));
}

function rowsOf(paths) {
  const rows = paths.map((path) => ({ name: nameOf(path), version: packages[path].version, licence: licenceOf(path) }));
  const once = new Map(rows.map((row) => [`${row.name}\n${row.version}`, row]));
  return [...once.keys()].sort().map((key) => once.get(key));
}

const table = (rows) =>
  [
    '| package | version | licence |',
    '|---|---|---|',
    ...rows.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`),
  ].join('\n');

function summaryOf(rows) {
  const counts = new Map();
  for (const { licence } of rows) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  return [...counts]
    .sort(([one, n], [other, m]) => m - n || (one < other ? -1 : 1))
    .map(([licence, count]) => `${licence} ${count}`)
    .join(', ');
}

const exceptionList = Object.entries(exceptions)
  .map(([name, { licence, reason }]) => `- ${name}, ${licence}: ${reason}.`)
  .join('\n');

const page = (server, inConsole) => `# Licences

Latchkey is under the [MIT License](../LICENSE). It is built on the packages below, each under a licence of its own. This page is
generated from \`package-lock.json\` (\`npm run licences\`), and a licence that is not on the list in \`scripts/licences.mjs\` fails
\`npm run check\`.

Licences that bind more than the notice:

${exceptionList}

## What the server runs on

Every dependency of production, the binaries for other platforms included, of which npm installs one.
${summaryOf(server)}.

${table(server)}

## What the console's bundle may hold

What the page at \`GET /graphql\` is built from, as far as it does not stand above. The bundle holds less: what is not used is left out.
${summaryOf(inConsole)}.

${table(inConsole)}
`;

/** The link is our own `client/`, a development dependency as the console is: npm marks what a link leads to and not the link. */
const isProduction = ([path, { dev, link }]) => path !== '' && dev !== true && link !== true;
const server = Object.entries(packages)
  .filter(isProduction)
  .map(([path]) => path);
const inConsole = withDependencies(consolePackages).filter((path) => !server.includes(path));
const [serverRows, consoleRows] = [rowsOf(server), rowsOf(inConsole)];
const refused = [...serverRows, ...consoleRows].filter(({ name, licence }) => !isAllowed(name, licence));
if (refused.length > 0) {
  for (const { name, version, licence } of refused)
    console.error(`${name} ${version}: ${licence === undefined ? 'it names no licence' : `the licence ${licence} is not allowed`}`);
  console.error('See the list in scripts/licences.mjs.');
  process.exitCode = 1;
} else {
  await writeOrCheck([[new URL('docs/licences.md', root), page(serverRows, consoleRows)]], 'npm run licences');
}
