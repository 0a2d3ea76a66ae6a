import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { failureOf, HaltedError } from '../../src/cli/failures.js';
import { createProgram } from '../../src/cli/program.js';
import { StoreUnavailableError } from '../../src/store/port.js';
import { projectPath } from '../architecture/project.js';
import { freePort } from '../support/mongo-server.js';
import { latchkey } from '../support/processes.js';
import { testEnvironment } from '../support/server.js';

/** Each command is a process of its own, which takes its time to start on a busy machine. */
jest.setTimeout(120_000);

const leaves = createProgram().commands.flatMap((command) =>
  command.commands.length === 0 ? [command.name()] : command.commands.map((child) => `${command.name()} ${child.name()}`),
);

describe('wrong usage', () => {
  it.each([
    [['emigrate'], /unknown command/],
    [['user'], /Name a command/],
    [['user', 'emigrate'], /unknown command/],
    [['user', 'list', '--limit', '0'], /1 to 1000/],
    [['user', 'list', '--after', 'nonsense'], /`next`/],
    [['user', 'list', '--disabled', '--enabled'], /cannot be used/],
    [['user', 'create', 'a@example.com', '--role', 'emperor'], /user, support, admin/],
    [['user', 'create'], /missing required argument/],
    [['sessions', 'list', '--device', 'toaster'], /Allowed choices/],
    [['keys', 'revoke'], /missing required argument/],
    [['purge', 'everything'], /too many arguments/],
  ])('%j exits with 2 and one line', async (args, reason) => {
    const { code, stdout, stderr } = await latchkey(args, {});
    expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: exitCodes.usage.code, stdout: '', lines: 2 });
    expect(stderr).toMatch(reason);
  });

  it('is told as JSON where JSON was asked for', async () => {
    const { code, stdout, stderr } = await latchkey(['user', 'list', '--json', '--nonsense=word'], {});
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'USAGE', message: "unknown option '--nonsense'" } });
  });
});

describe('what cannot be done', () => {
  it('exits with 3 for settings, all of them in one line without a value', async () => {
    const { code, stdout, stderr } = await latchkey(['user', 'list'], { PORT: 'x-value', LATCHKEY_SECRET: 'short-value' });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^PORT [^\n]+; LATCHKEY_SECRET [^\n]+\n$/);
    expect(stderr).not.toContain('value');
  });

  it('exits with 3 when the store is down', async () => {
    const environment = testEnvironment(`mongodb://user:secret-word@127.0.0.1:${await freePort()}/name`);
    for (const command of ['user list', 'sessions list', 'sessions revoke --ip 192.0.2.1 --yes', 'keys rotate', 'purge']) {
      const { code, stdout, stderr } = await latchkey([...command.split(' '), '--json'], environment);
      expect({ code, stdout, error: JSON.parse(stderr).error.code }).toEqual({ code: 3, stdout: '', error: 'STORE_UNAVAILABLE' });
      expect(stderr).not.toContain('secret-word');
    }
  });
});

describe('work that is cut short', () => {
  it('says how far it got, and why', () => {
    const halted = new HaltedError('Ended 3 sessions.', { count: 3 }, new StoreUnavailableError(new Error('driver text')));
    expect(failureOf(halted)).toMatchObject({ exitCode: 3, code: 'STORE_UNAVAILABLE', facts: { count: 3 } });
    expect(failureOf(halted).message).toMatch(/^Ended 3 sessions\. .*cannot be reached/);
  });

  it('by what nobody foresaw shows no text of it', () => {
    expect(failureOf(new TypeError('the value secret-word'))).toEqual({
      exitCode: 3,
      code: 'UNEXPECTED',
      message: 'Something unforeseen failed (TypeError).',
    });
  });
});

describe('help', () => {
  it('is there for every command, and in the manual', () => {
    const manual = readFileSync(projectPath('docs/command-line.md'), 'utf8');
    const wanted =
      'start user create|user grant|user list|sessions list|sessions revoke|keys list|keys rotate|keys revoke|keys rewrap|purge|schema|doctor';
    expect(leaves.join('|')).toBe(wanted.replace('start ', 'start|'));
    for (const leaf of leaves) expect(manual).toContain(`\n## latchkey ${leaf}\n`);
    for (const { code, about } of Object.values(exitCodes)) expect(manual).toContain(`| ${code} | ${about} |`);
  });

  it('is printed without settings', async () => {
    const help = await latchkey(['sessions', 'revoke', '--help'], { PORT: 'x' });
    expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('--yes') });
  });
});

describe('the version', () => {
  it('is printed without settings, as the server tells it', async () => {
    const { version } = JSON.parse(readFileSync(projectPath('package.json'), 'utf8'));
    for (const option of ['-V', '--version']) {
      expect(await latchkey([option], { PORT: 'x' })).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });
});

describe('latchkey schema', () => {
  it('prints the schema that is shipped, without settings', async () => {
    const shipped = readFileSync(projectPath('schema/schema.graphql'), 'utf8');
    expect(await latchkey(['schema'], { PORT: 'x' })).toEqual({ code: 0, stdout: `${shipped.trimEnd()}\n`, stderr: '' });
    const { stdout } = await latchkey(['schema', '--json'], {});
    expect(JSON.parse(stdout)).toEqual({ schema: shipped });
  });

  it('ends quietly when the reader has seen enough', async () => {
    const child: ChildProcess = spawn(process.execPath, [join(projectPath('dist'), 'cli/latchkey.js'), 'schema'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.stdout?.destroy();
    const [code] = await once(child, 'close');
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
  });
});
