import websocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AuthError, serviceUnavailable } from '../auth/errors.js';
import type { RequestFacts } from '../auth/viewer.js';
import { upgraded } from './request-observer.js';
import { watchUpgrades } from './upgrades.js';

/** Sockets that one process holds, those that have not said yet who they are included. */
export const mostSockets = 1_000;
const pingEveryMs = 12_000;
/** Messages of one client within a window of time; a client that sends more is no client of this protocol. */
const mostMessages = 50;
const messageWindowMs = 5_000;
/** What waits to be taken by a client that reads slowly. */
const mostBufferedBytes = 256 * 1024;
/** For the closing handshake; then the connection is cut. */
const closingMs = 2_000;
/** The same at the stop of the server. */
const stoppingMs = 300;
const closeCodes = { goingAway: 1001, tryAgainLater: 1013, tooMany: 4429 } as const;

/** `graphql/subscriptions`, as `app` hands it over. */
export type SocketProtocol = (
  socket: {
    readonly protocol: string;
    send(text: string): Promise<void>;
    close(code: number, reason: string): void;
    onMessage(listener: (text: string) => Promise<void>): void;
  },
  request: RequestFacts,
) => (code: number, reason: string) => Promise<void>;

export interface GraphqlSocketDeps {
  readonly protocol: SocketProtocol;
  readonly maxMessageBytes: number;
  readonly allowedOrigins: readonly string[];
}

/** The two steps of a socket's route: may it be opened, and what then. */
export interface GraphqlSocket {
  /** Throws `AuthError`: `FORBIDDEN` for a page that is not allowed, `SERVICE_UNAVAILABLE` beyond 1,000 sockets. */
  admit(request: FastifyRequest): void;
  open(socket: WebSocket, request: FastifyRequest): void;
}

/** Prepares `app` for upgrades of its route `/graphql`. At the stop every socket is closed with 1001, or cut 0.3 s later. */
export async function registerGraphqlSocket(app: FastifyInstance, deps: GraphqlSocketDeps): Promise<GraphqlSocket> {
  if (app.hasDecorator('websocketServer')) throw new Error('register Latchkey before @fastify/websocket, or beside it in another scope');
  const sockets = new Map<WebSocket, Promise<void>>();
  let isStopping = false;
  await app.register(websocket, {
    options: {
      server: watchUpgrades(app) as never,
      maxPayload: deps.maxMessageBytes,
      handleProtocols: (protocols: Set<string>) => (protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false),
    },
    // A frame that breaks the rules: `ws` has sent its close code, and the closing is bounded below.
    errorHandler: (error, _socket, request) => request.log.debug({ err: error, requestId: request.id }, 'a socket failed'),
    preClose: (done) => {
      isStopping = true;
      stop(sockets).then(() => done(), done);
    },
  });
  return {
    admit: ({ headers }) => {
      const { origin } = headers;
      if (origin !== undefined && !deps.allowedOrigins.includes(origin)) throw new AuthError('FORBIDDEN', { reason: 'ORIGIN_NOT_ALLOWED' });
      if (isStopping) throw serviceUnavailable(new Error('the server stops'));
      if (sockets.size >= mostSockets) throw serviceUnavailable(new Error('all sockets of this process are taken'));
    },
    open: (socket, request) => {
      upgraded(request);
      const hasClosed = serve(socket, request, deps.protocol).finally(() => sockets.delete(socket));
      sockets.set(socket, hasClosed);
    },
  };
}

/** Resolves when the socket has closed and what it had under way is let go of. */
async function serve(socket: WebSocket, { facts, log, id: requestId }: FastifyRequest, protocol: SocketProtocol): Promise<void> {
  const openedAt = performance.now();
  const heartbeat = keepAlive(socket);
  const isWithinRate = messageRate();
  // A client that does not read never answers the close frame: then only this side knows why.
  let ownCode: number | null = null;
  const end = (code: number, reason: string) => {
    if (socket.readyState === socket.OPEN) ownCode = code;
    close(socket, code, reason);
  };
  const ended = protocol(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text, end),
      close: end,
      onMessage: (listener) =>
        socket.on('message', (data) => {
          if (socket.readyState !== socket.OPEN) return;
          if (!isWithinRate()) end(closeCodes.tooMany, 'Too many messages');
          else void listener(String(data));
        }),
    },
    facts,
  );
  const [code, reason] = await new Promise<[number, Buffer]>((resolve) => {
    socket.once('error', () => cutLater(socket, closingMs));
    socket.once('close', (closeCode, text) => resolve([closeCode, text]));
  });
  clearInterval(heartbeat);
  const ms = Math.round(performance.now() - openedAt);
  log.info({ requestId, ip: facts.ipAddress, code: ownCode ?? code, ms }, 'socket closed');
  await ended(code, String(reason));
}

/** A client that does not answer one ping before the next is gone. Clear the timer when the socket has closed. */
export function keepAlive(socket: Pick<WebSocket, 'on' | 'ping' | 'terminate' | 'readyState' | 'OPEN'>): NodeJS.Timeout {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) socket.terminate();
    else if (socket.readyState === socket.OPEN) socket.ping();
    isAlive = false;
  }, pingEveryMs);
  return timer.unref();
}

function messageRate(): () => boolean {
  let windowFrom = performance.now();
  let messages = 0;
  return () => {
    const now = performance.now();
    if (now - windowFrom > messageWindowMs) {
      windowFrom = now;
      messages = 0;
    }
    messages += 1;
    return messages <= mostMessages;
  };
}

/** Resolves when the connection has taken the text, which is what holds back the next event. Dropped where it is closing. */
function send(socket: WebSocket, text: string, end: (code: number, reason: string) => void): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  if (socket.bufferedAmount > mostBufferedBytes) {
    end(closeCodes.tryAgainLater, 'Too slow');
    return Promise.resolve();
  }
  return new Promise((resolve) => socket.send(text, () => resolve()));
}

function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, reason);
  cutLater(socket, closingMs);
}

function cutLater(socket: WebSocket, milliseconds: number): void {
  const timer = setTimeout(() => socket.terminate(), milliseconds).unref();
  socket.once('close', () => clearTimeout(timer));
}

async function stop(sockets: ReadonlyMap<WebSocket, Promise<void>>): Promise<void> {
  for (const socket of sockets.keys()) {
    close(socket, closeCodes.goingAway, 'The server stops');
    cutLater(socket, stoppingMs);
  }
  await Promise.all(sockets.values());
}
