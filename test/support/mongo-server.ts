import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { mongo } from 'mongoose';

const run = promisify(execFile);

const secantusVersion = '0.7.0b3';
const cacheFolder = resolve(`node_modules/.cache/latchkey/secantusdb-${secantusVersion}`);

/** A program that serves MongoDB's protocol, and how it is told what to do. */
export interface MongoProgram {
  readonly kind: 'mongod' | 'secantusdb';
  readonly path: string;
}
export type FoundMongo =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'program'; readonly program: MongoProgram }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * `MONGODB_URI`, else a `mongod` on PATH, else SecantusDB from PyPI in a cache folder.
 *
 * @public Imported by `jest-setup.ts`, by a name that tools cannot follow.
 */
export async function findMongo(): Promise<FoundMongo> {
  const url = process.env.MONGODB_URI;
  if (url) return { kind: 'url', url };
  const mongod = onPath('mongod');
  if (mongod !== null) return { kind: 'program', program: { kind: 'mongod', path: mongod } };
  try {
    return { kind: 'program', program: { kind: 'secantusdb', path: await provisionSecantus() } };
  } catch (error) {
    return { kind: 'none', reason: `SecantusDB cannot be installed: ${String(error).split('\n')[0]}` };
  }
}

function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  return null;
}

/** A marker written last tells a whole installation from one that was interrupted (a virtual environment cannot be moved). */
async function provisionSecantus(): Promise<string> {
  const marker = join(cacheFolder, 'complete');
  if (!existsSync(marker)) {
    process.stderr.write(`Installing SecantusDB ${secantusVersion} for the tests, once ...\n`);
    rmSync(cacheFolder, { recursive: true, force: true });
    mkdirSync(cacheFolder, { recursive: true });
    await run('python3', ['-m', 'venv', cacheFolder]);
    await run(join(cacheFolder, 'bin/pip'), ['install', '--quiet', `SecantusDB==${secantusVersion}`]);
    writeFileSync(marker, '');
  }
  return join(cacheFolder, 'bin/secantusd-py');
}

/** A server of our own, on a port and a folder that it keeps over restarts. */
export class MongoServer {
  private child: ChildProcess | null = null;

  constructor(
    private readonly program: MongoProgram,
    readonly port: number,
    private readonly folder: string,
    private readonly standalone: boolean,
    /** Further parameters of the program. */
    private readonly more: readonly string[] = [],
  ) {}

  /** Without a database name. */
  get url(): string {
    return `mongodb://127.0.0.1:${this.port}/?directConnection=true`;
  }

  /** Resolves when the server accepts writes. */
  async start(): Promise<void> {
    const child = spawn(this.program.path, this.parameters(), { stdio: 'ignore' });
    this.child = child;
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${this.program.kind} ended at start`);
    });
    ended.catch(() => {});
    await Promise.race([this.ready(), ended]);
  }

  /** As if its machine had stopped answering. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** As if its machine had lost power, or by another signal in good order. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private parameters(): string[] {
    if (this.program.kind === 'secantusdb') {
      const mode = this.standalone ? ['--standalone'] : [];
      return [
        '--host',
        '127.0.0.1',
        '--port',
        `${this.port}`,
        '--storage-path',
        this.folder,
        '--log-level',
        'ERROR',
        ...mode,
        ...this.more,
      ];
    }
    const mode = this.standalone ? [] : ['--replSet', 'latchkey'];
    return ['--bind_ip', '127.0.0.1', '--port', `${this.port}`, '--dbpath', this.folder, '--quiet', ...mode, ...this.more];
  }

  private async ready(): Promise<void> {
    const giveUpAt = Date.now() + 30_000;
    for (;;) {
      const client = new mongo.MongoClient(this.url, { serverSelectionTimeoutMS: 500, connectTimeoutMS: 500 });
      try {
        const admin = client.db('admin');
        const hello = await admin.command({ hello: 1 });
        if (hello.isWritablePrimary === true) return;
        await admin.command({ replSetInitiate: { _id: 'latchkey', members: [{ _id: 0, host: `127.0.0.1:${this.port}` }] } });
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
      } finally {
        await client.close();
      }
      await delay(100);
    }
  }
}

/** Starts a server on a free port, as a replica set of one unless told otherwise. */
export async function startMongo(program: MongoProgram, standalone = false): Promise<MongoServer> {
  for (let attempt = 1; ; attempt += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-mongo-'));
    const server = new MongoServer(program, await freePort(), folder, standalone);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.remove();
      // Another process may have taken the port meanwhile.
      if (attempt === 3) throw error;
    }
  }
}

/** For tests that stop, kill or freeze their server. Null when the tests run on a server that is not ours. */
export function privateMongoProgram(): MongoProgram | null {
  const program = process.env.LATCHKEY_TEST_MONGO_PROGRAM;
  return program === undefined ? null : (JSON.parse(program) as MongoProgram);
}

/** A port on which nothing listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
