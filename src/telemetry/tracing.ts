import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { type AuthErrorCode, errorKinds } from '../auth/errors.js';
import type { Log } from '../auth/log.js';
import type { HashWatch } from '../auth/meter.js';
import type { Config } from '../config.js';
import { DuplicateError, StoreUnavailableError } from '../store/port.js';
import { QuietExporter } from './quiet-exporter.js';

/** A stop waits no longer than this for the last spans to be sent. */
const longestFlushMs = 2_000;

interface TracingDeps {
  readonly config: Pick<Config, 'otlpEndpoint' | 'otlpServiceName' | 'storeUrl'>;
  readonly log: Log;
  readonly version: string;
}

/** Closed vocabulary: what an error says by itself does not leave the process. */
function errorTypeOf(error: unknown): string {
  if (error instanceof StoreUnavailableError) return 'StoreUnavailableError';
  return error instanceof DuplicateError ? 'DuplicateError' : '_OTHER';
}

const isFault = (code: string): boolean => code in errorKinds && errorKinds[code as AuthErrorCode].httpStatus >= 500;

/** The span of one HTTP request, and the one of its GraphQL operation while that runs. */
export class RequestTrace {
  private readonly requestContext: Context;
  private operation: Span | null = null;
  private operationContext: Context | null = null;

  constructor(
    private readonly tracer: Tracer,
    private readonly span: Span,
  ) {
    this.requestContext = trace.setSpan(ROOT_CONTEXT, span);
  }

  get traceId(): string {
    return this.span.spanContext().traceId;
  }

  /** What begins now is a part of this. */
  get context(): Context {
    return this.operationContext ?? this.requestContext;
  }

  operationStarted(): void {
    this.operation = this.tracer.startSpan('graphql', { kind: SpanKind.INTERNAL }, this.requestContext);
    this.operationContext = trace.setSpan(this.requestContext, this.operation);
  }

  /** `field`: the schema's own name of the root field. */
  operationNamed(type: string, field: string): void {
    this.operation?.updateName(`${type} ${field}`);
    this.operation?.setAttributes({ 'graphql.operation.type': type, 'latchkey.graphql.field': field });
  }

  operationEnded(code: string): void {
    if (code !== 'OK') this.operation?.setAttribute('error.type', code);
    if (isFault(code)) this.operation?.setStatus({ code: SpanStatusCode.ERROR });
    this.operation?.end();
    this.operation = null;
    this.operationContext = null;
  }

  /** `status` null: the connection went before the answer was out. `code`: of the answer, null where none is known. */
  ended(status: number | null, code: string | null): void {
    if (status === null) this.span.setAttribute('error.type', 'aborted');
    else this.span.setAttribute('http.response.status_code', status);
    // The error of a field travels with 200: it is the operation's.
    if (status !== null && status >= 400 && code !== null) this.span.setAttribute('error.type', code);
    if (status === null || status >= 500) this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.end();
  }
}

/**
 * Spans for one service, sent to an OpenTelemetry collector. Nothing is registered with OpenTelemetry's global API, so that a program
 * that embeds the service, or a second service beside it, keeps its own. Spans hold names of this code and of the schema, durations,
 * and codes: no address, login, id of a person, token or text of an error.
 */
export class Tracing {
  private readonly provider: NodeTracerProvider;
  private readonly tracer: Tracer;
  private readonly current = new AsyncLocalStorage<RequestTrace>();
  private readonly databaseSystem: string;

  constructor({ config, log, version }: TracingDeps) {
    const exporter = new OTLPTraceExporter({ url: `${config.otlpEndpoint}/v1/traces` });
    this.provider = new NodeTracerProvider({
      resource: defaultResource().merge(resourceFromAttributes({ 'service.name': config.otlpServiceName, 'service.version': version })),
      spanProcessors: [new BatchSpanProcessor(new QuietExporter(exporter, log))],
    });
    this.tracer = this.provider.getTracer('latchkey', version);
    this.databaseSystem = config.storeUrl.startsWith('sqlite:') ? 'sqlite' : 'mongodb';
  }

  /** `traceparent`: the caller's header (W3C Trace Context 3.2), continued where it is well-formed. `tracestate` is left out: any text may stand in it. */
  startRequest(method: string, route: string, traceparent: string | undefined): RequestTrace {
    const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
    const parent = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
    const attributes = { 'http.request.method': method, 'http.route': route };
    return new RequestTrace(this.tracer, this.tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent));
  }

  /** Runs `next`: what it begins, also later, belongs to the request. */
  follow(request: RequestTrace, next: () => void): void {
    this.current.run(request, next);
  }

  /** Null outside of a traced request: work of no request, such as the housekeeping's, is not traced. */
  startStoreVerb(verb: string): { end(error: unknown): void } | null {
    const request = this.current.getStore();
    if (request === undefined) return null;
    const attributes = { 'db.system.name': this.databaseSystem, 'db.operation.name': verb };
    const span = this.tracer.startSpan(verb, { kind: SpanKind.CLIENT, attributes }, request.context);
    return {
      end: (error) => {
        if (error !== undefined) span.setAttribute('error.type', errorTypeOf(error));
        // An address that is taken is an answer, not a fault.
        if (error !== undefined && !(error instanceof DuplicateError)) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  /** One span from the place in line to the end of hashing, with an event in between. */
  startHash(): HashWatch | null {
    const request = this.current.getStore();
    if (request === undefined) return null;
    const askedAt = performance.now();
    const span = this.tracer.startSpan('password hash', { kind: SpanKind.INTERNAL }, request.context);
    return {
      refused: () => {
        span.setAttribute('error.type', 'RATE_LIMITED').end();
      },
      started: () => {
        span.setAttribute('latchkey.hash.wait_ms', Math.round(performance.now() - askedAt)).addEvent('hashing');
      },
      ended: () => span.end(),
    };
  }

  /** Sends what is left, for 2 s at most. Never throws: what could not be sent is lost. */
  async close(): Promise<void> {
    let clock: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      clock = setTimeout(resolve, longestFlushMs);
    });
    await Promise.race([this.provider.shutdown().catch(() => undefined), timeIsUp]);
    clearTimeout(clock);
  }
}
