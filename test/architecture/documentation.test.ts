import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { errorKinds } from '../../src/auth/errors.js';
import { type Setting, settings } from '../../src/config.js';
import { projectPath, runNode } from './project.js';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const rows: Setting[] = Object.values(settings);

function pages(): string[] {
  const ownPages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
  const docs = readdirSync(projectPath('docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return [...ownPages, ...docs.map((name) => `docs/${name}`)];
}

describe('generated files', () => {
  test.each([
    ['the manual of settings and errors', 'scripts/generate-docs.mjs', 'npm run docs'],
    ['the schema', 'scripts/emit-schema.mjs', 'npm run schema'],
    ['the typed operations', 'scripts/generate-operations.mjs', 'npm run codegen'],
  ])('%s are in step with their source', (_name, script, command) => {
    const { status, output } = runNode([script, '--check']);
    expect({ status, output, command }).toEqual({ status: 0, output: '', command });
  });
});

describe('the manual', () => {
  test.each(rows.map(({ env, bounds }) => ({ env, bounds })))('describes the setting $env', ({ env, bounds }) => {
    const line = read('docs/configuration.md')
      .split('\n')
      .find((text) => text.startsWith(`| \`${env}\``));
    expect(line).toContain(bounds.replaceAll('|', '\\|'));
    expect(read('.env.example')).toContain(`\n#${env}=`);
  });

  test.each(Object.entries(errorKinds))('describes the error %s', (code, { message, about, httpStatus }) => {
    const section = read('docs/errors.md').split(`\n### ${code}\n`)[1]?.split('\n### ')[0];
    expect(section).toContain(`> ${message}`);
    expect(section).toContain(about);
    expect(section).toContain(String(httpStatus));
  });

  test('knows no code that no test of the API reaches', () => {
    const tests = readdirSync(projectPath('test/api')).filter((name) => name.endsWith('.test.ts'));
    const text = tests.map((name) => read(`test/api/${name}`)).join('\n');
    const unreached = Object.keys(errorKinds).filter((code) => !text.includes(`'${code}'`));
    expect(unreached).toEqual([]);
  });

  test.each(pages())('%s names only settings that exist', (page) => {
    const known = rows.flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env]));
    const named = read(page).match(/\bLATCHKEY_[A-Z_]*[A-Z]\b/g) ?? [];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test.each(pages())('%s links only to files that exist', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target ?? '');
    const broken = targets.filter((target) => !existsSync(resolve(dirname(projectPath(page)), target)));
    expect(broken).toEqual([]);
  });

  test('every file that a comment in src/ refers to exists', () => {
    const files = readdirSync(projectPath('src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const named = files.flatMap((name) => read(`src/${name}`).match(/docs\/[\w/-]+\.md/g) ?? []);
    expect([...new Set(named)].filter((path) => !existsSync(projectPath(path)))).toEqual([]);
  });
});
