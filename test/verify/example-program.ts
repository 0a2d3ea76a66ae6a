import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';
import { projectPath } from '../architecture/project.js';

/** A program of `examples/`, in a process of its own. */
export class ExampleProgram {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly closed: Promise<unknown>,
    private readonly folder: string,
  ) {}

  /** Resolves once the program has printed its address. Its types are those of `npm run check`; here they are left out. */
  static async start(name: string, environment: Readonly<Record<string, string>>): Promise<ExampleProgram> {
    // Within the project, where `latchkey/verify` is the build.
    mkdirSync(projectPath('.cache'), { recursive: true });
    const folder = mkdtempSync(projectPath('.cache/example-'));
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
    const { outputText } = ts.transpileModule(readFileSync(projectPath(`examples/${name}.ts`), 'utf8'), { compilerOptions });
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, outputText);
    const child = spawn(process.execPath, [file], {
      env: { PATH: process.env.PATH, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    const closed = once(child, 'close');
    const ended = closed.then(() => {
      throw new Error(`${name} has ended: ${errors}`);
    });
    ended.catch(() => {});
    const lines = createInterface({ input: child.stdout });
    const printed = new Promise<string>((resolve) => lines.on('line', (line) => /^http:/.test(line) && resolve(line)));
    return new ExampleProgram(await Promise.race([printed, ended]), child, closed, folder);
  }

  /** As a process manager stops it. Resolves when it has ended; it is killed after 10 s, and then throws. */
  async stop(): Promise<void> {
    let wasKilled = false;
    const timer = setTimeout(() => {
      wasKilled = true;
      this.child.kill('SIGKILL');
    }, 10_000);
    this.child.kill('SIGTERM');
    await this.closed;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true });
    if (wasKilled) throw new Error('it did not stop');
  }
}
