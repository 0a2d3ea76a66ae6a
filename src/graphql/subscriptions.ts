import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Context, makeServer } from 'graphql-ws';
import { AuthError, asAuthError } from '../auth/errors.js';
import type { LiveViewer, LiveViewers } from '../auth/live-viewers.js';
import type { Log } from '../auth/log.js';
import type { RefreshTokenTransport, RequestFacts } from '../auth/viewer.js';
import { GraphQLContext, type Services } from './context.js';
import { createFormatError, finishErrors, translateError } from './errors.js';

/** Milliseconds within which a client must say who it is. */
const initTimeoutMs = 5_000;
const longestAccessToken = 8_192;
/** The client's id of a subscription comes back with each of its events. */
const longestId = 128;

/** The close codes of `graphql-transport-ws`, and of RFC 6455 7.4.1 (1013 by its registry), that mean something here. */
const closeCodes = { malformed: 4400, unauthorized: 4401, forbidden: 4403, tooMany: 4429, internal: 4500, tryAgainLater: 1013 } as const;

/** A connection, as this protocol needs it. */
export interface ProtocolSocket {
  readonly protocol: string;
  /** Resolves when the text is on its way; also when the connection has gone. */
  send(text: string): Promise<void>;
  close(code: number, reason: string): void;
  /** Not called any more once the connection is closing. */
  onMessage(listener: (text: string) => Promise<void>): void;
}
/** Takes a connection that is open; to call what comes back when it has closed. */
export type SubscriptionProtocol = (socket: ProtocolSocket, request: RequestFacts) => (code: number, reason: string) => Promise<void>;

interface SubscriptionsDeps {
  /** With its rules. */
  readonly schema: GraphQLSchema;
  readonly services: Services;
  readonly liveViewers: LiveViewers;
  readonly checkDocument: (source: string) => AuthError | null;
  /** Whether no object in the variables is too wide. */
  readonly isNarrow: (variables: unknown) => boolean;
  readonly maxTokens: number;
  readonly reauthenticationAgeSeconds: number;
  /** Introspection is on. */
  readonly verbose: boolean;
  readonly log: Log;
}

interface Connection {
  readonly socket: ProtocolSocket;
  readonly request: RequestFacts;
  live: LiveViewer | null;
  hasClosed: boolean;
}

/** The connection is closing: its message is dropped. */
class ClosingError extends Error {}

/** Sockets carry no refresh tokens. */
const noTransport: RefreshTokenTransport = { mode: 'bearer', presented: { kind: 'none' }, set: () => undefined, clear: () => undefined };

/**
 * GraphQL over WebSocket (`graphql-transport-ws`), for subscriptions alone. The client says who it is by `connectionParams: { accessToken }`;
 * the socket closes with 4401 when that token is not valid or has expired, with 4403 and the reason when its session has ended, with
 * 4429 when there is too much of something, with 1013 when a client reads too slowly or the store does not answer.
 */
export function createSubscriptionProtocol(deps: SubscriptionsDeps): SubscriptionProtocol {
  const tell = errorTeller(deps);
  const server = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: ({ connectionParams, extra }) => connect(deps, connectionParams?.accessToken, extra),
    onSubscribe: (context, id, payload) => {
      if (id.length > longestId) throw closing(context.extra.socket, closeCodes.malformed, 'Subscription id too long');
      try {
        return argsOf(deps, context, payload);
      } catch (error) {
        return [wrapped(error)];
      }
    },
    subscribe: (args) => answers(args as ExecutionArgs & { contextValue: GraphQLContext }),
    onError: ({ extra }, _id, _payload, errors) => tell(errors, extra.request.requestId),
    onNext: ({ extra }, _id, _payload, _args, { errors, ...result }) => ({
      ...result,
      ...(errors !== undefined && { errors: tell(errors, extra.request.requestId) }),
    }),
    onClose: ({ extra }) => {
      extra.hasClosed = true;
      extra.live?.close();
    },
  });
  return (socket, facts) => {
    // The socket is nobody's until its first message says whose: a header does not count.
    const connection: Connection = { socket, request: { ...facts, accessToken: null }, live: null, hasClosed: false };
    return server.opened(
      {
        ...socket,
        onMessage: (listener) => socket.onMessage((text) => listener(text).catch((error: unknown) => failed(deps.log, connection, error))),
      },
      connection,
    );
  };
}

/** A message of a type that only servers send, or a fault of this server's. */
function failed(log: Log, { socket, request }: Connection, error: unknown): void {
  if (error instanceof ClosingError) return;
  if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
    socket.close(closeCodes.malformed, 'Invalid message received');
    return;
  }
  log.error({ requestId: request.requestId, err: error }, 'a message of a socket failed');
  socket.close(closeCodes.internal, 'Internal server error');
}

function closing(socket: ProtocolSocket, code: number, reason: string): ClosingError {
  socket.close(code, reason);
  return new ClosingError(reason);
}

async function connect({ liveViewers, log }: SubscriptionsDeps, token: unknown, connection: Connection): Promise<void> {
  const { socket, request } = connection;
  const accessToken = typeof token === 'string' && token.length <= longestAccessToken ? token : null;
  try {
    const live = await liveViewers.open(accessToken, (end) => {
      if (end.kind === 'too-slow') socket.close(closeCodes.tryAgainLater, 'Too slow');
      else closeFor(socket, end.viewer.reason, end.viewer.ended?.kind === 'revoked' ? end.viewer.ended.reason : undefined);
    });
    connection.live = live;
    // It went while the store was asked who it is.
    if (connection.hasClosed) live.close();
  } catch (error) {
    const known = asAuthError(error);
    if (known === null) log.error({ requestId: request.requestId, err: error }, 'a socket could not be opened');
    if (known?.code === 'UNAUTHENTICATED') closeFor(socket, known.details.reason ?? 'INVALID');
    else if (known?.code === 'RATE_LIMITED') socket.close(closeCodes.tooMany, 'Too many sockets of this account');
    else if (known !== null) socket.close(closeCodes.tryAgainLater, known.code);
    else socket.close(closeCodes.internal, 'Internal server error');
    throw new ClosingError();
  }
}

/** Of a session that ended the reason of that comes too, so that a page can say why. */
function closeFor(socket: ProtocolSocket, reason: string, endedFor?: string): void {
  if (reason === 'REVOKED') socket.close(closeCodes.forbidden, ['SESSION_REVOKED', endedFor].filter(Boolean).join(' '));
  else socket.close(closeCodes.unauthorized, `UNAUTHENTICATED ${reason}`);
}

const withCode = (error: GraphQLError, code: string): GraphQLError =>
  new GraphQLError(error.message, { nodes: error.nodes, source: error.source, positions: error.positions, extensions: { code } });
const wrapped = (error: unknown): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError('', { originalError: error instanceof Error ? error : new Error(String(error)) });

function parsed(source: string, maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens });
  } catch (error) {
    throw error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error;
  }
}

/** What to execute, or the errors of validation. Throws for what is refused before that. */
function argsOf(
  { schema, services, checkDocument, isNarrow, maxTokens, reauthenticationAgeSeconds, verbose }: SubscriptionsDeps,
  { extra: { request, live } }: Context<Record<string, unknown>, Connection>,
  payload: { readonly query: string; readonly variables?: Record<string, unknown> | null; readonly operationName?: string | null },
): ExecutionArgs | GraphQLError[] {
  if (live === null) throw new Error('a socket that nobody opened subscribes');
  const refused = checkDocument(payload.query);
  if (refused !== null) throw refused;
  if (!isNarrow(payload.variables ?? {})) throw new AuthError('BAD_REQUEST', { reason: 'MALFORMED_BODY' });
  const document = parsed(payload.query, maxTokens);
  const rules = verbose ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const faults = validate(schema, document, rules);
  if (faults.length > 0) return faults.map((fault) => withCode(fault, 'GRAPHQL_VALIDATION_FAILED'));
  const operation = getOperationAST(document, payload.operationName);
  if (operation == null) throw new AuthError('BAD_REQUEST', { reason: 'UNKNOWN_OPERATION' });
  if (operation.operation !== 'subscription') throw new AuthError('BAD_REQUEST', { reason: 'SUBSCRIPTIONS_ONLY' });
  const proofPolicy = { now: services.now(), reauthenticationAgeSeconds };
  const contextValue = new GraphQLContext(services, request, noTransport, live.viewer, proofPolicy, live);
  return { schema, document, operationName: payload.operationName, variableValues: payload.variables, contextValue };
}

/** Each event is executed with a context of its own: who asks is judged anew, nothing read for one event is told with another. */
async function answers(args: ExecutionArgs & { readonly contextValue: GraphQLContext }): Promise<AsyncIterableIterator<ExecutionResult>> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return refusal(source.errors?.[0]);
  const events = source[Symbol.asyncIterator]();
  const answer = async ({ done, value }: IteratorResult<unknown>): Promise<IteratorResult<ExecutionResult>> => {
    if (done) return { done, value: undefined };
    return { done: false, value: await execute({ ...args, rootValue: value, contextValue: args.contextValue.afresh() }) };
  };
  // No generator: its `return` would wait until another event comes.
  const answered: AsyncIterableIterator<ExecutionResult> = {
    next: async () => answer(await events.next()),
    return: async () => {
      await events.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => answered,
  };
  return answered;
}

/** Told as an `error` message, like the end of a subscription that was running. */
function refusal(error: GraphQLError | undefined): AsyncIterableIterator<ExecutionResult> {
  const refused: AsyncIterableIterator<ExecutionResult> = {
    next: () => Promise.reject(error ?? new Error('a subscription gave no events and no error')),
    [Symbol.asyncIterator]: () => refused,
  };
  return refused;
}

/** Errors as they go out, by the one translator; what nobody foresaw goes into the log. */
function errorTeller({ verbose, log }: SubscriptionsDeps) {
  const format = createFormatError({ verbose });
  return (errors: readonly GraphQLError[], requestId: string): GraphQLFormattedError[] => {
    for (const error of errors) {
      const { unexpected, code } = translateError(error, { verbose });
      if (unexpected !== undefined) log.error({ requestId, path: error.path, err: unexpected }, 'a resolver failed');
      else if (code === 'SERVICE_UNAVAILABLE') log.warn({ requestId, err: error.originalError }, 'the store ran out of time');
    }
    return finishErrors(
      errors.map((error) => format(error.toJSON(), error)),
      requestId,
    );
  };
}
