import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The line between a browser and a server: it can be cut, and lose a reply. */
export interface Line {
  readonly origin: string;
  /** Nothing comes through any more, and what was open breaks off. */
  cut(): void;
  mend(): void;
  /** Whether sockets come through, or are refused as by a proxy that knows none: with 502. Those that are open stay so. */
  allowSockets(isAllowed: boolean): void;
  /** The next request that holds these words reaches the server; of its answer nothing comes back. Resolves when it was lost. */
  loseReplyTo(words: string): Promise<void>;
  /** How many requests with these words have reached the server: a browser sends some twice by itself. */
  countOf(words: string): number;
  close(): void;
}

/** `port` says where to, once it is known. */
export async function startLine(port: () => number): Promise<Line> {
  const sockets = new Set<Socket>();
  const sent: string[] = [];
  let isCut = false;
  let areSocketsAllowed = true;
  let doomed: { readonly words: string; readonly lost: () => void } | null = null;
  const breakOff = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port(), '127.0.0.1');
    let isDoomed = false;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      // The other end learns of it by the close.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.on('data', (data) => {
      const text = data.toString('latin1');
      if (!areSocketsAllowed && /\r\nupgrade: websocket\r\n/i.test(text)) {
        near.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
        return;
      }
      sent.push(text);
      if (doomed !== null && data.includes(doomed.words)) isDoomed = true;
      far.write(data);
    });
    far.on('data', (data) => {
      if (!isDoomed) {
        near.write(data);
        return;
      }
      near.destroy();
      doomed?.lost();
      doomed = null;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      breakOff();
    },
    mend: () => {
      isCut = false;
    },
    allowSockets: (isAllowed) => {
      areSocketsAllowed = isAllowed;
    },
    loseReplyTo: (words) =>
      new Promise((lost) => {
        doomed = { words, lost };
      }),
    countOf: (words) => sent.filter((data) => data.includes(words)).length,
    close: () => {
      server.close();
      breakOff();
    },
  };
}
