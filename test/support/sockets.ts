import { once } from 'node:events';
import { afterEach } from '@jest/globals';
import WebSocket from 'ws';

const opened = new Set<Socket>();
afterEach(() => {
  for (const { ws } of opened) ws.terminate();
  opened.clear();
});

export interface Frame {
  readonly type: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its document asked for.
  readonly payload?: any;
}

/** A connection of `graphql-transport-ws`, frame by frame. */
export class Socket {
  readonly frames: Frame[] = [];
  private waiting: (() => void)[] = [];
  /** The code and reason with which it was closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)) as Frame);
      for (const resolve of this.waiting.splice(0)) resolve();
    });
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        for (const wake of this.waiting.splice(0)) wake();
      });
    });
    opened.add(this);
  }

  /** Connects; rejects when the upgrade is refused. */
  static async connect(
    url: string,
    options: { readonly headers?: Record<string, string>; readonly protocols?: string[] } = {},
  ): Promise<Socket> {
    const { headers = {}, protocols = ['graphql-transport-ws'] } = options;
    const socket = new Socket(new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers }));
    await once(socket.ws, 'open');
    return socket;
  }

  /** Connects and says who it is; rejects when it is not acknowledged. */
  static async open(url: string, accessToken: string): Promise<Socket> {
    const socket = await Socket.connect(url);
    socket.send({ type: 'connection_init', payload: { accessToken } });
    await socket.next(({ type }) => type === 'connection_ack');
    return socket;
  }

  send(frame: object): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** What `work` sends, in one piece. */
  atOnce(work: () => void): void {
    const { _socket: stream } = this.ws as unknown as { readonly _socket: { cork(): void; uncork(): void } };
    stream.cork();
    work();
    stream.uncork();
  }

  subscribe(id: string, query: string, variables: object = {}): void {
    this.send({ type: 'subscribe', id, payload: { query, variables } });
  }

  /** Of one subscription, in order. */
  of(id: string): Frame[] {
    return this.frames.filter((frame) => frame.id === id);
  }

  /** The first frame that fits, also one that has come already. */
  async next(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.ws.readyState !== WebSocket.OPEN) throw new Error(`closed before it came; so far: ${JSON.stringify(this.frames)}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Resolves once the server has answered everything that was sent before. */
  async roundTrip(): Promise<void> {
    const pongs = this.frames.filter(({ type }) => type === 'pong').length;
    this.send({ type: 'ping' });
    while (this.frames.filter(({ type }) => type === 'pong').length === pongs) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}
