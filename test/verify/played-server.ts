import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';
import type { RevocationsPage } from '../services/service.js';
import { stopwatch } from '../support/stalls.js';

/** What it answers; `hang`: it takes the question and says nothing. */
export type Answer = { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string> } | 'hang';

/** A page that tells nothing new. */
export const aPage = (overrides: Partial<RevocationsPage> = {}): RevocationsPage => ({
  cursor: 'life.1',
  as_of: Date.now() / 1000,
  complete: false,
  more: false,
  ttl: 3_600,
  sessions: [],
  accounts: [],
  ...overrides,
});

const running = new Set<PlayedServer>();
afterAll(async () => {
  await Promise.all([...running].map((server) => server.close()));
});

/** Stands in for the server, and says what the test wants it to. */
export class PlayedServer {
  keys: () => Answer = () => ({ body: { keys: [] } });
  /** Answered as soon as it is there: the question waits until then. */
  readonly pages: Answer[] = [];
  introspection: () => Answer = () => ({ body: { active: false } });
  /** What was asked, in its order: paths with their queries. */
  readonly asked: string[] = [];
  private readonly server: Server;
  private waiting: ((answer: Answer) => void) | null = null;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(): Promise<PlayedServer> {
    const played = new PlayedServer();
    played.server.listen(0, '127.0.0.1');
    await once(played.server, 'listening');
    running.add(played);
    return played;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next answer of the feed, whether somebody waits already or not. */
  tell(...answers: readonly Answer[]): void {
    for (const answer of answers) {
      const waiting = this.waiting;
      this.waiting = null;
      if (waiting === null) this.pages.push(answer);
      else waiting(answer);
    }
  }

  countAsked(path: string): number {
    return this.asked.filter((one) => one.startsWith(path)).length;
  }

  async close(): Promise<void> {
    running.delete(this);
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.asked.push(path);
    const answer = await this.answerTo(path);
    if (answer === 'hang') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  }

  private async answerTo(path: string): Promise<Answer> {
    if (path === '/.well-known/jwks.json') return this.keys();
    if (path === '/introspect') return this.introspection();
    if (!path.startsWith('/revocations')) return { status: 404, body: {} };
    const next = this.pages.shift();
    return (
      next ??
      new Promise<Answer>((resolve) => {
        this.waiting = resolve;
      })
    );
  }
}

/** Resolves once it holds; throws after 10 s, without those in which this process did not get to run. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, patienceMs = 10_000): Promise<void> {
  const sinceStart = stopwatch();
  while (!(await holds())) {
    if (sinceStart() > patienceMs) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
