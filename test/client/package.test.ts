import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, test } from '@jest/globals';
import { build } from 'esbuild';
import { satisfies } from 'semver';
import { projectPath, runNode } from '../architecture/project.js';

const readJson = (path: string) => JSON.parse(readFileSync(projectPath(path), 'utf8'));
const manifest = readJson('client/package.json') as {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
};
const tsc = projectPath('node_modules/typescript/bin/tsc');

/** What a bundler makes of a page that holds this code; packages of others are left as imports. */
async function bundled(code: string): Promise<{ readonly text: string; readonly gzipBytes: number; readonly imports: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: projectPath('test/client') },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    outfile: 'page.js',
    external: Object.keys(manifest.peerDependencies),
  });
  const text = outputFiles[0]?.text ?? '';
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { text, gzipBytes: gzipSync(text, { level: 9 }).length, imports };
}

describe('The package latchkey-client', () => {
  it('costs a page at most 8 KB, and needs no other package', async () => {
    const { gzipBytes, imports } = await bundled(
      "import { createAuthClient } from 'latchkey-client'; globalThis.auth = createAuthClient({});",
    );
    expect(imports).toEqual([]);
    expect(gzipBytes).toBeGreaterThan(1_000);
    expect(gzipBytes).toBeLessThanOrEqual(8 * 1024);
  });

  test.each([
    ['latchkey-client', 'webStorage', 300],
    ['latchkey-client', 'AuthRefusedError', 300],
    ['latchkey-client/errors', 'isAuthErrorCode', 1_200],
  ])('leaves out what a page does not use: %s with %s alone', async (entry, name, mostBytes) => {
    const { text, gzipBytes } = await bundled(`import { ${name} } from '${entry}'; globalThis.used = ${name};`);
    expect(text).not.toMatch(/BroadcastChannel|refreshToken/);
    expect(gzipBytes).toBeLessThan(mostBytes);
  });

  test.each([
    ['apollo', 'authLink', ['@apollo/client/link', 'rxjs']],
    ['graphql-ws', 'createSocketClient', ['graphql-ws']],
    ['react', 'useAuth', ['react', 'react/jsx-runtime']],
    ['errors', 'authErrorOf', []],
  ])('latchkey-client/%s needs its own libraries and no others', async (entry, name, expected) => {
    const { imports } = await bundled(`import { ${name} } from 'latchkey-client/${entry}'; globalThis.used = ${name};`);
    expect([...imports].filter((path) => path !== 'react/jsx-runtime').sort()).toEqual(
      expected.filter((path) => path !== 'react/jsx-runtime').sort(),
    );
  });

  it('exports what was built, with its types', () => {
    const files = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => !existsSync(projectPath(`client/${file}`)))).toEqual([]);
  });

  it('has the version of the server, and asks for libraries that are tested here, each only where it is used', () => {
    expect(manifest.version).toBe(readJson('package.json').version);
    const unfit = Object.entries(manifest.peerDependencies).filter(
      ([name, range]) => !satisfies(readJson(`node_modules/${name}/package.json`).version, range),
    );
    expect(unfit).toEqual([]);
    const required = Object.keys(manifest.peerDependencies).filter((name) => manifest.peerDependenciesMeta[name]?.optional !== true);
    expect(required).toEqual([]);
  });

  it('is compiled for browsers, without the types of Node', () => {
    const { status, output } = runNode([tsc, '-p', 'client', '--listFilesOnly']);
    expect(status).toBe(0);
    expect(output).toContain('client/src/auth-client.ts');
    expect(output).toContain('lib.dom.d.ts');
    expect(output.split('\n').filter((file) => /@types\/node\/|undici-types/.test(file))).toEqual([]);
  });
});

describe('The manual of the client', () => {
  const page = readFileSync(projectPath('docs/client.md'), 'utf8');
  const programs = [...page.matchAll(/```tsx\n([\s\S]*?)```/g)].map(([, text]) => text);

  test.each(['app.tsx', 'sign-in.tsx'])('shows client/example/%s as it is compiled and run', (file) => {
    expect(programs).toContain(readFileSync(projectPath(`client/example/${file}`), 'utf8'));
  });

  it('shows a protected route in thirty lines, its imports aside', () => {
    const lines = readFileSync(projectPath('client/example/app.tsx'), 'utf8').split('\n');
    const own = lines.filter((line) => line.trim() !== '' && !line.startsWith('import '));
    expect(own.length).toBeGreaterThan(15);
    expect(own.length).toBeLessThanOrEqual(30);
  });
});
