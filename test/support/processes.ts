import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const root = join(__dirname, '..', '..');

/** A server in a process of its own, from the build. */
export interface ServerProcess {
  readonly url: string;
  readonly output: () => string;
  readonly child: ChildProcess;
  /** Sends the signal and resolves with the exit code once the process is gone (null when the signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface FinishedProcess {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Only what Node needs, so that a variable of the machine decides no test. */
const bareEnvironment = { PATH: process.env.PATH ?? '' };

function launch(args: readonly string[], environment: Record<string, string>, cwd: string, input = '') {
  const child = spawn(process.execPath, [...args], { cwd, env: { ...bareEnvironment, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
  // A process that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString('utf8');
  });
  return { child, output };
}

const running = new Set<ServerProcess>();
afterAll(async () => {
  const left = [...running].filter(({ child }) => child.exitCode === null && child.signalCode === null);
  await Promise.all(left.map((server) => server.end('SIGKILL')));
});

/** Runs a file of the build to its end. `input`: what it reads. */
export async function runToEnd(
  file: string,
  args: readonly string[],
  environment: Record<string, string>,
  cwd = root,
  input = '',
): Promise<FinishedProcess> {
  const { child, output } = launch([join(root, 'dist', file), ...args], environment, cwd, input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

/** Starts `dist/main.js`, or what else `args` tell Node, and waits until it listens. Killed after the file's tests if it is still there. */
export async function startProcess(
  environment: Record<string, string>,
  cwd = root,
  args: readonly string[] = [join(root, 'dist', 'main.js')],
): Promise<ServerProcess> {
  const { child, output } = launch(args, environment, cwd);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = await closed;
    return code;
  };
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const address = /"address":"([^"]+)"/.exec(output.stdout)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.on('close', () => reject(new Error(`the server ended before it listened: ${output.stderr}`)));
  });
  const server = { url, output: () => output.stdout + output.stderr, child, end };
  running.add(server);
  return server;
}

/** Runs `latchkey` to its end. */
export function latchkey(args: readonly string[], environment: Record<string, string>, input = ''): Promise<FinishedProcess> {
  return runToEnd('cli/latchkey.js', args, environment, root, input);
}

/** What a command printed as JSON; throws when it did not exit with 0. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its command documents.
export async function latchkeyJson(args: readonly string[], environment: Record<string, string>, input = ''): Promise<any> {
  const { code, stdout, stderr } = await latchkey([...args, '--json'], environment, input);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}
