import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { validRange } from 'semver';
import { badCopies, knownBadVersions } from './known-bad-versions.js';
import { type LockFile, lockedPackages, lockFile, nameOf, ownLink, root } from './lock-file.js';
import { projectPath, runNode } from './project.js';

const manifest = JSON.parse(readFileSync(projectPath('package.json'), 'utf8'));
const filesOf = (folder: string): string[] =>
  existsSync(projectPath(folder))
    ? readdirSync(projectPath(folder), { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(projectPath('').length + 1))
    : [];

describe('package-lock.json', () => {
  it('has the format of the present npm, and is in step with package.json', () => {
    expect(lockFile.lockfileVersion).toBe(3);
    const parts = ['name', 'version', 'dependencies', 'devDependencies', 'engines', 'bin'] as const;
    const partsOf = (from: object) => Object.fromEntries(parts.map((part) => [part, (from as Record<string, unknown>)[part]]));
    expect(partsOf(root)).toEqual(partsOf(manifest));
    // Fails when a package is missing, or does not fit what another asks for. Asks no registry.
    execFileSync('npm', ['ls', '--package-lock-only', '--all'], { cwd: projectPath('.'), stdio: 'pipe' });
  });

  it('knows the client of this repository by a link, for development alone', () => {
    expect(ownLink).toEqual({ resolved: 'client', link: true });
    expect(root.devDependencies?.['latchkey-client']).toBe('file:client');
    expect(lockFile.packages.client).toMatchObject({ name: 'latchkey-client', version: manifest.version, dev: true });
  });

  it('takes every package from the registry that npm is set to: no address, no link, no repository, no file', () => {
    const elsewhere = lockedPackages.filter(([, { resolved, link }]) => resolved !== undefined || link !== undefined);
    expect(elsewhere.map(([path]) => path)).toEqual([]);
    const asked = lockedPackages.concat([['', root]]).flatMap(([path, entry]) =>
      Object.entries({ ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies })
        .filter(([name]) => name !== 'latchkey-client')
        .filter(([, range]) => validRange(range.replace(/^npm:.+@/, '')) === null)
        .map(([name, range]) => `${path}: ${name} ${range}`),
    );
    expect(asked).toEqual([]);
  });

  it('knows the contents of every package by hash, but those of development tools for platforms that nobody installed yet', () => {
    const unknown = lockedPackages.filter(([, { integrity }]) => integrity === undefined);
    expect(unknown.filter(([, { dev, optional, os }]) => !(dev && optional && os)).map(([path]) => path)).toEqual([]);
    const families = new Set(unknown.map(([path]) => nameOf(path).replace(/-(android|darwin|freebsd|linux|openharmony|win32)-.*/, '-*')));
    expect([...families].sort()).toEqual(['@biomejs/cli-*', '@oxc-parser/binding-*', '@swc/core-*', '@unrs/resolver-binding-*']);
    const weak = lockedPackages.filter(([, { integrity }]) => integrity !== undefined && !integrity.startsWith('sha512-'));
    expect(weak.map(([path]) => path)).toEqual([]);
  });

  it('brings no install script but those that package.json denies by name', () => {
    const withScript = new Set(lockedPackages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path)));
    expect([...withScript].sort()).toEqual(Object.keys(manifest.allowScripts).sort());
    expect(Object.values(manifest.allowScripts).filter((isAllowed) => isAllowed !== false)).toEqual([]);
  });
});

describe('versions with a known fault', () => {
  it('are not in the lock file, in any copy', () => {
    expect(badCopies(lockFile)).toEqual([]);
  });

  it('are found: in a copy inside another package, and as a pre-release, by the ranges of the table', () => {
    const lock: LockFile = {
      lockfileVersion: 3,
      packages: {
        '': { version: '1.0.0' },
        'node_modules/jws': { version: '4.0.1' },
        'node_modules/a/node_modules/jws': { version: '4.0.0' },
        'node_modules/jsonwebtoken/node_modules/jws': { version: '3.2.2' },
        'node_modules/ws': { version: '8.21.0-beta.1' },
      },
    };
    expect(badCopies(lock).map((line) => line.replace(/,.*/, ''))).toEqual([
      'node_modules/a/node_modules/jws 4.0.0: GHSA-869p-cjfg-cm3x',
      'node_modules/jsonwebtoken/node_modules/jws 3.2.2: GHSA-869p-cjfg-cm3x',
      'node_modules/ws 8.21.0-beta.1: GHSA-96hv-2xvq-fx4p',
    ]);
  });

  it.each(knownBadVersions)('$name $affected: the row is a range with an advisory, about a package that is installed', (row) => {
    expect(validRange(row.affected)).not.toBeNull();
    expect(row.advisory).toMatch(/^GHSA(-[23456789cfghjmpqrvwx]{4}){3}$/);
    expect(lockedPackages.map(([path]) => nameOf(path))).toContain(row.name);
  });
});

describe('docs/licences.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-licences-'));
  beforeAll(() => {
    mkdirSync(join(folder, 'scripts'));
    for (const file of ['scripts/licences.mjs', 'scripts/generated-files.mjs']) cpSync(projectPath(file), join(folder, file));
    cpSync(projectPath('docs/licences.md'), join(folder, 'docs/licences.md'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const checked = (changes: Record<string, object>) => {
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lockFile, packages: { ...lockFile.packages, ...changes } }));
    return runNode([join(folder, 'scripts/licences.mjs'), '--check'], folder);
  };

  it('is in step with the lock file, and every licence in it is allowed', () => {
    expect(runNode(['scripts/licences.mjs', '--check'])).toEqual({ status: 0, output: '' });
    expect(checked({})).toEqual({ status: 0, output: '' });
  });

  it.each([
    ['GPL-3.0-only', 'the licence GPL-3.0-only is not allowed'],
    ['(MIT AND AGPL-3.0-only)', 'the licence (MIT AND AGPL-3.0-only) is not allowed'],
    ['(MIT OR GPL-2.0-only) AND GPL-3.0-only', 'the licence (MIT OR GPL-2.0-only) AND GPL-3.0-only is not allowed'],
    ['MPL-2.0', 'the licence MPL-2.0 is not allowed'],
    [undefined, 'it names no licence'],
  ])('refuses the licence %s, with the name of the package', (license, problem) => {
    const { status, output } = checked({ 'node_modules/zod': { ...lockFile.packages['node_modules/zod'], license } });
    expect(status).toBe(1);
    expect(output).toMatch(/^zod \d+\.\d+\.\d+: /);
    expect(output).toContain(problem);
  });

  it('accepts a choice of licences when one of them is allowed, and then asks for the page to be renewed', () => {
    const change = { 'node_modules/zod': { ...lockFile.packages['node_modules/zod'], license: '(GPL-2.0-only OR MIT)' } };
    expect(checked(change)).toEqual({ status: 1, output: 'Out of step with the code: docs/licences.md. Run: npm run licences\n' });
  });

  it('counts what the console is built from', () => {
    const imports = filesOf('console')
      .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.config.ts'))
      .flatMap((file) => [...readFileSync(projectPath(file), 'utf8').matchAll(/(?:from|import) '((?:@[\w.-]+\/)?[\w-][\w.-]*)/g)])
      .map(([, name]) => name ?? '');
    const page = readFileSync(projectPath('docs/licences.md'), 'utf8');
    expect(
      // Our own package is none of others.
      [...new Set(['react', 'react-dom', 'graphiql', 'monaco-editor', ...imports])].filter(
        (name) => name !== 'latchkey-client' && !page.includes(`| ${name} |`),
      ),
    ).toEqual([]);
  });
});

describe('npm run sbom', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-sbom-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a bill of materials with every dependency of production and no other', () => {
    const file = join(folder, 'sbom.cdx.json');
    expect(runNode(['scripts/sbom.mjs', file])).toMatchObject({ status: 0 });
    const bom = JSON.parse(readFileSync(file, 'utf8'));
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: manifest.name, version: manifest.version } } });
    const production = lockedPackages.filter(([, { dev }]) => dev !== true).map(([path, { version }]) => `${nameOf(path)}@${version}`);
    const listed = (bom.components as { name: string; version: string }[]).map(({ name, version }) => `${name}@${version}`);
    expect(listed.sort()).toEqual([...new Set(production)].sort());
    const refs = (bom.dependencies as { ref: string; dependsOn: string[] }[]).flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    const known = new Set([...listed, `${manifest.name}@${manifest.version}`]);
    expect(refs.filter((ref) => !known.has(ref))).toEqual([]);
  });
});

describe('the package', () => {
  const packed = () => {
    const options = { cwd: projectPath('.'), encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 } as const;
    const answer = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options));
    const [contents] = Object.values(answer) as [{ size: number; files: { path: string; size: number }[] }];
    return contents;
  };
  /** Vite's output, with a compressed copy of each text. */
  const consoleAsset = /^dist\/console\/((index|page)\.html|build\.json|assets\/[\w.-]+\.(js|css|svg|ttf|woff2?)(\.gz)?)$/;

  it('holds the build, the schema, the manual and the licence, and nothing else, within its size', () => {
    const { size, files } = packed();
    const paths = files.map(({ path }) => path);
    const compiled = filesOf('src')
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .flatMap((file) => ['.js', '.d.ts'].map((ending) => file.replace(/^src/, 'dist').replace(/\.ts$/, ending)));
    const documents = ['.env.example', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'];
    const expected = [
      ...compiled,
      ...documents,
      'schema/schema.graphql',
      'schema/config.schema.json',
      ...filesOf('pages'),
      ...filesOf('docs').filter((file) => /\.(md|json)$/.test(file)),
    ];
    expect(paths.filter((path) => !consoleAsset.test(path)).sort()).toEqual(expected.sort());

    const bytes = (isCounted: (path: string) => boolean) =>
      files.filter(({ path }) => isCounted(path)).reduce((sum, file) => sum + file.size, 0);
    const mebibyte = 2 ** 20;
    expect(bytes((path) => !consoleAsset.test(path))).toBeLessThan(1.6 * mebibyte);
    expect(bytes((path) => consoleAsset.test(path))).toBeLessThan(10 * mebibyte);
    expect(size).toBeLessThan(5 * mebibyte);
  });

  it('holds no map of sources: nothing refers to one', () => {
    const scripts = filesOf('dist').filter((file) => file.endsWith('.js') && !file.startsWith('dist/console/'));
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((file) => readFileSync(projectPath(file), 'utf8').includes('sourceMappingURL'))).toEqual([]);
  });
});
