import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** A program that answers each line of its input with a line. Ask one thing at a time. */
export class LineProgram {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: Interface;
  private readonly ended: Promise<never>;
  private errors = '';

  constructor(command: string, parameters: readonly string[], environment: Readonly<Record<string, string>>) {
    const { PATH, HOME } = process.env;
    this.child = spawn(command, [...parameters], { env: { PATH, HOME, ...environment } });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString('utf8');
    });
    this.lines = createInterface({ input: this.child.stdout });
    this.ended = once(this.child, 'close').then(() => {
      throw new Error(`the program has ended: ${this.errors}`);
    });
    this.ended.catch(() => {});
  }

  /** Throws what the program wrote on its standard error when it ends instead. */
  async ask(line: string): Promise<string> {
    const answer = once(this.lines, 'line').then(([text]) => String(text));
    this.child.stdin.write(`${line}\n`);
    return Promise.race([answer, this.ended]);
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await this.ended.catch(() => {});
  }
}
