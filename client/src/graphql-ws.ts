import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import type { AuthClient } from './auth-client.js';
import { AuthUnavailableError } from './failures.js';

/** Close codes of the server's socket: see its manual of live events. */
const closeCodes = { unauthorized: 4401, forbidden: 4403 } as const;
const longestWaitSeconds = 30;
/** Between questions whether the server is still there: a page does not see the pings of the socket itself. */
const defaultKeepAliveMs = 12_000;

export type SocketClientOptions = Omit<ClientOptions, 'connectionParams' | 'lazy'>;

/** What became of the token that a connection was opened with. */
interface Closing {
  readonly accessToken: string | null;
  readonly wasAcknowledged: boolean;
}
type Sink = Parameters<Client['subscribe']>[1];

const codeOf = (problem: unknown): unknown => (typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : null);

/** Doubles from a second or two up to half a minute, so that a page finds its way back after any absence, and not all pages at once. */
async function boundedBackoff(retries: number): Promise<void> {
  const seconds = Math.min(2 ** retries, longestWaitSeconds) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/**
 * A client of graphql-ws whose subscriptions outlive their access tokens. Each connection says who it is with a fresh token. Where the
 * server closes because the token has ended (4401), it is refreshed and the subscription begins anew; `on('connected')` tells when, for
 * events in between are missed. Where the session has ended (4403), that is confirmed by the server, the state of `auth` says why, and the
 * subscription ends with the close event. A lost network is waited for; one that was lost in silence is noticed after `keepAlive` ms (12,000 unless
 * given) twice at most. Another sign-in in this page connects anew, as that person.
 */
export function createSocketClient(auth: AuthClient, options: SocketClientOptions): Client {
  const closings = new WeakMap<object, Closing>();
  let accessToken: string | null = null;
  let wasAcknowledged = false;
  const client = createClient({
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: boundedBackoff,
    keepAlive: defaultKeepAliveMs,
    ...options,
    connectionParams: async () => {
      wasAcknowledged = false;
      accessToken = await auth.getAccessToken();
      // Without one the server refuses, which tells the subscription what it should be told.
      return accessToken === null ? {} : { accessToken };
    },
    shouldRetry: (problem) => codeOf(problem) !== closeCodes.forbidden && (options.shouldRetry?.(problem) ?? true),
  });
  client.on('connected', () => {
    wasAcknowledged = true;
  });
  client.on('closed', (event) => {
    if (typeof event === 'object' && event !== null) closings.set(event, { accessToken, wasAcknowledged });
  });
  leaveSilence(client, options.keepAlive ?? defaultKeepAliveMs);
  const subscribe = resuming(auth, client, (problem) => closings.get(problem as object));
  const stopFollowing = followSession(auth, () => client.terminate());
  const dispose = () => {
    stopFollowing();
    return client.dispose();
  };
  return { ...client, subscribe, iterate: iterating(subscribe), dispose };
}

/** After a change of network a socket may stay open with nobody at its other end. */
function leaveSilence(client: Client, mostMs: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  client.on('ping', (isReceived) => {
    if (!isReceived) timer = setTimeout(() => client.terminate(), mostMs);
  });
  client.on('pong', () => clearTimeout(timer));
  client.on('closed', () => clearTimeout(timer));
}

/** One socket is one session: that of another one must not stay open. */
function followSession(auth: AuthClient, onOther: () => void): () => void {
  let sessionId: string | null = auth.state.kind === 'signed-in' ? auth.state.sessionId : null;
  return auth.onChange((state) => {
    if (state.kind !== 'signed-in') return;
    if (sessionId !== null && sessionId !== state.sessionId) onOther();
    sessionId = state.sessionId;
  });
}

function resuming(auth: AuthClient, client: Client, closingOf: (problem: unknown) => Closing | undefined): Client['subscribe'] {
  return (payload, sink) => {
    let isOver = false;
    let refusals = 0;
    let stop = () => {};
    const begin = () => {
      stop = client.subscribe(payload, { ...(sink as Sink), error: (problem) => void failed(problem) });
    };
    const failed = async (problem: unknown) => {
      const isResumed = await mayResume(problem);
      if (isOver) return;
      if (isResumed) begin();
      else sink.error(problem);
    };
    const mayResume = async (problem: unknown): Promise<boolean> => {
      const code = codeOf(problem);
      if (code !== closeCodes.unauthorized && code !== closeCodes.forbidden) return false;
      const closing = closingOf(problem);
      if (closing === undefined || closing.accessToken === null) return false;
      const token = await auth.handleUnauthenticated(closing.accessToken).catch((error: unknown) => {
        // The next connection asks again, after a while.
        if (error instanceof AuthUnavailableError) return closing.accessToken;
        return null;
      });
      // A token that was accepted once has ended since. One that never was, twice in a row, is not mended by a third.
      refusals = closing.wasAcknowledged ? 0 : refusals + 1;
      return code === closeCodes.unauthorized && token !== null && refusals <= 1;
    };
    begin();
    return () => {
      isOver = true;
      stop();
    };
  };
}

function iterating(subscribe: Client['subscribe']): Client['iterate'] {
  return <Data, Extensions>(payload: Parameters<Client['iterate']>[0]) => {
    type Result = Parameters<Parameters<typeof subscribe<Data, Extensions>>[1]['next']>[0];
    const results: Result[] = [];
    let end: { readonly problem: unknown } | 'complete' | null = null;
    let wake = () => {};
    const finish = (how: typeof end) => {
      end ??= how;
      wake();
    };
    const stop = subscribe<Data, Extensions>(payload, {
      next: (result) => {
        results.push(result);
        wake();
      },
      error: (problem) => finish({ problem }),
      complete: () => finish('complete'),
    });
    const next = async (): Promise<IteratorResult<Result>> => {
      for (;;) {
        const value = results.shift();
        if (value !== undefined) return { done: false, value };
        if (end === 'complete') return { done: true, value: undefined };
        if (end !== null) throw end.problem;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const iterator: AsyncIterableIterator<Result> = {
      next,
      return: async () => {
        stop();
        finish('complete');
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  };
}
