import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { loadConfig } from '../../src/config.js';
import { toErrorBody } from '../../src/graphql/errors.js';
import { createDocumentGuard } from '../../src/graphql/limits.js';
import { createHttpServer, type HttpServerDeps } from '../../src/http/server.js';
import { createLogger } from '../../src/log.js';

export const page = 'https://app.example.com';

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Everything that was logged, as text. */
  logged(): string;
  lines(): Record<string, unknown>[];
  close(): Promise<void>;
}

const running: RunningServer[] = [];

/** A server on a free port with a fake GraphQL handler; `environment` is what `loadConfig` reads. */
export async function startServer(deps: Partial<HttpServerDeps> = {}, environment: Record<string, string> = {}): Promise<RunningServer> {
  const config = loadConfig({
    LATCHKEY_PUBLIC_URL: 'https://auth.example.com',
    LATCHKEY_ALLOWED_ORIGINS: page,
    LATCHKEY_REQUEST_TIMEOUT: '5s',
    ...environment,
  });
  const written: string[] = [];
  const text = () => written.join('');
  const app = await createHttpServer({
    config,
    logger: createLogger('debug', { write: (line) => void written.push(line) }),
    toErrorBody: (error, requestId) => toErrorBody(error, requestId, { verbose: false }),
    checkDocument: createDocumentGuard(config),
    graphqlHandler: async (_request, reply) => {
      reply.type('application/json; charset=utf-8');
      return '{"data":{"ok":true}}\n';
    },
    ready: async () => 'feed',
    jwks: { keySet: () => ({ keys: [] }), maxAgeSeconds: 300 },
    now: Date.now,
    ...deps,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const server: RunningServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    logged: text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    close: async () => void (await app.close()),
  };
  running.push(server);
  return server;
}

export async function stopServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}

export const post = (server: RunningServer, body: unknown = { query: '{ ok }' }, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

export interface ErrorAnswer {
  errors: { message: string; extensions: { code: string; reason?: string; requestId: string; retryAfter?: number } }[];
}

/** The first error of an answer that must be one, checked for its shape. */
export async function errorOf(response: Response): Promise<ErrorAnswer['errors'][0]['extensions']> {
  const answer = (await response.json()) as ErrorAnswer;
  const [error] = answer.errors;
  if (error === undefined) throw new Error('expected an error');
  if (error.extensions.requestId !== response.headers.get('x-request-id')) throw new Error('the error has not the id of its request');
  return error.extensions;
}

/** Sends bytes as they are and returns all that comes back until the server closes. */
export function exchange(port: number, ...parts: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => (chunks.length === 0 ? reject(error) : resolve(Buffer.concat(chunks).toString())));
    for (const part of parts) socket.write(part);
  });
}

/** A POST by hand, for headers that `fetch` would not send. The connection is closed after the answer. */
export const rawPost = (headers: string[], body = '{"query":"{ ok }"}'): string =>
  [
    'POST /graphql HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
