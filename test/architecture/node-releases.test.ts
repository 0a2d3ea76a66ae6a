import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { satisfies } from 'semver';
import { projectPath, runNode } from './project.js';

interface Release {
  readonly version: string;
  readonly integrity: Readonly<Record<string, string>>;
}
const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
/** Jest loads no ES modules. */
const printReleases = "import('./scripts/node-releases.mjs').then(({ releases }) => console.log(JSON.stringify(releases)))";
const releases = JSON.parse(runNode(['--eval', printReleases]).output) as Readonly<Record<'lts' | 'oldest', Release>>;

describe('the releases of Node that the tests run on', () => {
  it('are pinned by version and by hash, for both processors', () => {
    for (const { version, integrity } of Object.values(releases)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(Object.keys(integrity)).toEqual(['x64', 'arm64']);
      expect(Object.values(integrity).filter((hash) => !/^sha512-[\w+/]{86}==$/.test(hash))).toEqual([]);
    }
  });

  it('begin with the least that package.json, README and CONTRIBUTING ask for', () => {
    const { engines } = JSON.parse(read('package.json'));
    const [major = '', minor = ''] = releases.oldest.version.split('.');
    expect(engines.node).toBe(`>=${major}.${minor}`);
    expect(releases.oldest.version).toBe(`${major}.${minor}.0`);
    expect(satisfies(releases.lts.version, engines.node)).toBe(true);
    for (const page of ['README.md', 'CONTRIBUTING.md']) expect(read(page)).toContain(`Node ${major}.${minor} or later`);
  });

  it('are not installed for everybody', () => {
    expect(read('package-lock.json')).not.toMatch(/node_modules\/node-(linux|bin)/);
  });

  it.each([[['nightly', 'node']], [['lts']], [[]]])('are named, with a command: %j explains itself', (parameters) => {
    const { status, output } = runNode(['scripts/with-node.mjs', ...parameters]);
    expect({ status, output }).toEqual({ status: 2, output: 'Usage: node scripts/with-node.mjs lts|oldest COMMAND [ARGUMENT...]\n' });
  });
});
