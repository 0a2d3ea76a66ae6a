import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';
import { loadConfig, noMailWarning } from '../../src/config.js';
import { temporaryFolder } from '../support/server.js';
import { readCompose } from './compose-file.js';
import { projectPath } from './project.js';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const page = read('docs/operations.md');
const { services } = readCompose(read('docker-compose.yml'));
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** The source of a file, or of all files of a folder. */
function textOf(path: string): string {
  if (statSync(projectPath(path)).isFile()) return read(path);
  const names = readdirSync(projectPath(path), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return names.map((name) => read(`${path}/${name}`)).join('\n');
}

/** The blocks of that language. */
function blocks(language: string): string[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , text = '']) => text);
}
/** Commands of shell blocks, continued lines joined, and what stands between backticks. */
const commands = [
  ...blocks('sh').flatMap((text) => text.replaceAll('\\\n', ' ').split('\n')),
  ...[...page.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text),
].filter((text) => text.trim() !== '');

/** What stands behind `latchkey`, or behind the file that is `latchkey` in an installation or a container. */
const commandLines = commands.flatMap((text) => /^(?:latchkey|.*dist\/cli\/latchkey\.js) ([a-z].*)$/.exec(text.trim())?.[1] ?? []);

/** The problem with a command line, or null. Words up to the first that is no subcommand name the command; the rest are its arguments. */
function problemOf(line: string): string | null {
  let command: Command = createProgram();
  const words = line.split(/\s+/);
  while (command.commands.length > 0) {
    const name = words.shift();
    const next = command.commands.find((one) => one.name() === name);
    if (next === undefined) return `latchkey ${line}: there is no ${name}`;
    command = next;
  }
  const options = words.filter((word) => word.startsWith('--'));
  const unknown = options.find((word) => !command.options.some(({ long }) => long === word));
  return unknown === undefined ? null : `latchkey ${line}: there is no ${unknown}`;
}

describe('docs/operations.md', () => {
  test('names only commands of `latchkey` that exist, with options that exist', () => {
    expect(commandLines.length).toBeGreaterThan(5);
    expect(commandLines.map(problemOf).filter((problem) => problem !== null)).toEqual([]);
  });

  test.each([
    ['keys burn', 'latchkey keys burn: there is no burn'],
    ['users list', 'latchkey users list: there is no users'],
    ['keys', 'latchkey keys: there is no undefined'],
    ['keys rewrap --force', 'latchkey keys rewrap --force: there is no --force'],
    ['user grant ada@example.com admin', null],
  ])('would be refused for `latchkey %s`, if that did not exist', (line, problem) => {
    expect(problemOf(line)).toBe(problem);
  });

  test('names only scripts of npm that exist', () => {
    const named = commands.flatMap((text) => /^npm (?:run )?([a-z:]+)/.exec(text)?.[1] ?? []);
    expect(named.filter((name) => !Object.hasOwn(scripts, name) && !['ci', 'prune'].includes(name))).toEqual([]);
  });

  test('names only files of the repository that exist', () => {
    const named = commands.flatMap((text) => text.match(/(?<![\w/])(?:deploy|dist|docs|scripts|test|src)\/[\w./-]+\.\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((path) => !existsSync(projectPath(path)))).toEqual([]);
  });

  test('names only services of the compose file that exist', () => {
    const verbs = /docker compose (?:exec(?: -T)?|stop|start|restart|up [-\w ]*--wait) ([\w -]+)/;
    const named = commands.flatMap((text) => verbs.exec(text)?.[1]?.split(' ') ?? []);
    const known = named.filter((name) => Object.hasOwn(services, name));
    expect([...new Set(known)].sort()).toEqual(['latchkey-1', 'latchkey-2', 'mongo', 'proxy']);
    expect(named.filter((name) => /^(latchkey-|mongo$|proxy)/.test(name) && !Object.hasOwn(services, name))).toEqual([]);
  });

  test('shows settings with which a server starts', () => {
    const [text = ''] = blocks('ini');
    const folder = temporaryFolder();
    const lines = text
      .trim()
      .split('\n')
      .map((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? [line, '']);
    const environment = {
      ...Object.fromEntries(lines),
      LATCHKEY_SECRET_FILE: projectPath('package.json'),
      LATCHKEY_DATA_DIR: join(folder, 'data'),
    };
    expect(loadConfig(environment)).toMatchObject({
      production: true,
      warnings: [noMailWarning],
      publicUrl: 'https://auth.example.com',
    });
  });

  test('quotes messages that the server has', () => {
    const files = [
      'src/explain.ts',
      'src/run.ts',
      'src/auth',
      'src/http',
      'src/housekeeping.ts',
      'src/mail',
      'src/app.ts',
      'src/store',
      'src/secret-file.ts',
    ];
    const source = files.map(textOf).join('\n').replaceAll("' +\n", '').replace(/\s+'/g, " '");
    const table = page.split('\n').filter((line) => line.startsWith('| `') && / (?:warn|error|info) \|/.test(line));
    const quoted = table.flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text));
    expect(quoted.length).toBeGreaterThan(10);
    expect(quoted.filter((text) => !source.includes(text))).toEqual([]);
  });

  test('has the unit that it speaks of', () => {
    const unit = read('deploy/latchkey.service');
    for (const line of [
      'ExecStart=/usr/bin/node /opt/latchkey/dist/main.js',
      'EnvironmentFile=/etc/latchkey/latchkey.env',
      'User=latchkey',
    ]) {
      expect(unit.split('\n')).toContain(line);
    }
    expect(existsSync(projectPath('dist/main.js'))).toBe(true);
  });
});
