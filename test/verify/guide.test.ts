import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectPath, runNode } from '../architecture/project.js';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const guide = read('docs/resource-servers.md');

/** Each file that the guide shows: its name, and the block beneath. */
const shown = [...guide.matchAll(/^\[`(examples\/[^`]+)`\]\([^)]*\):\n\n```\w+\n(.*?)^```$/gms)].map(([, file = '', text = '']) => ({
  file,
  text,
}));
const ownBlock = (page: string): string => /^```ts\n(import \{ createVerifier.*?)^```$/ms.exec(page)?.[1] ?? '';

describe('docs/resource-servers.md', () => {
  it('shows every program of examples/', () => {
    const programs = readdirSync(projectPath('examples'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(ts|py|go|java)$/.test(name),
    );
    expect(shown.map(({ file }) => file).sort()).toEqual(programs.map((name) => `examples/${name}`).sort());
  });

  it.each(shown)('has the text of $file', ({ file, text }) => {
    expect(text).toBe(read(file));
  });

  it('begins with what the README shows, which fits the types', () => {
    const block = ownBlock(guide);
    expect(block).toContain('createVerifier({');
    expect(ownBlock(read('README.md'))).toBe(block);
    mkdirSync(projectPath('.cache'), { recursive: true });
    const folder = mkdtempSync(projectPath('.cache/guide-'));
    const surroundings = 'declare const request: import("node:http").IncomingMessage;\nexport { permissions, roles, sid, sub };\n';
    writeFileSync(join(folder, 'start.ts'), `${block}${surroundings}`);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['start.ts'] }));
    const compiled = runNode([projectPath('node_modules/typescript/bin/tsc'), '-p', folder]);
    rmSync(folder, { recursive: true });
    expect(compiled).toEqual({ status: 0, output: '' });
  });

  it.each([
    ['option', 'VerifierOptions', 'src/verify/options.ts'],
    ['member', 'Verifier', 'src/verify/verifier.ts'],
  ])('describes every %s', (_kind, name, file) => {
    const body = new RegExp(`export interface ${name} \\{\\n(.*?)^\\}`, 'ms').exec(read(file))?.[1] ?? '';
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map(([, member]) => member);
    expect(members.length).toBeGreaterThan(4);
    expect(members.filter((member) => !new RegExp(`^\\| \`${member}[\`(]`, 'm').test(guide))).toEqual([]);
  });
});
