import type { RequestFacts } from '../auth/viewer.js';
import type { RequestObserver, RequestWatch } from '../http/request-observer.js';
import type { Metrics } from './metrics.js';
import type { RequestTrace, Tracing } from './tracing.js';

interface RequestObservers {
  readonly metrics: Metrics | null;
  readonly tracing: Tracing | null;
}

/** What is known of one request and of the GraphQL operation in it. */
export class ObservedRequest implements RequestWatch {
  private readonly startedAt = performance.now();
  private readonly trace: RequestTrace | null;
  private operation = 'none';
  /** What the client is told: whatever comes first, the operation's end or a refusal. */
  private code: string | null = null;
  private hasEnded = false;
  private isCounted = false;

  constructor(
    private readonly observers: RequestObservers,
    private readonly route: string | null,
    method: string,
    traceparent: string | undefined,
  ) {
    const { metrics, tracing } = observers;
    this.trace = route === '/graphql' ? (tracing?.startRequest(method, route, traceparent) ?? null) : null;
    metrics?.httpStarted();
  }

  get traceId(): string | null {
    return this.trace?.traceId ?? null;
  }

  follow(next: () => void): void {
    if (this.trace === null) next();
    else this.observers.tracing?.follow(this.trace, next);
  }

  refused(code: string): void {
    this.code ??= code;
  }

  ended(status: number | null): void {
    this.hasEnded = true;
    this.observers.metrics?.httpEnded(this.route, status);
    this.trace?.ended(status, this.code);
    this.count();
  }

  operationStarted(): void {
    this.trace?.operationStarted();
  }

  operationNamed(type: string, field: string): void {
    this.operation = field;
    this.trace?.operationNamed(type, field);
  }

  operationEnded(code: string): void {
    this.code ??= code;
    this.trace?.operationEnded(code);
    this.count();
  }

  /** Once, when request and operation have both ended: where the client went away the operation may end later. */
  private count(): void {
    if (this.isCounted || !this.hasEnded || this.code === null || this.route !== '/graphql') return;
    this.isCounted = true;
    this.observers.metrics?.operationEnded(this.operation, this.code, (performance.now() - this.startedAt) / 1000);
  }
}

/** Finds a request again by its facts, which are what GraphQL knows of it. */
export class ObservedRequests implements RequestObserver {
  private readonly byFacts = new WeakMap<RequestFacts, ObservedRequest>();

  constructor(private readonly observers: RequestObservers) {}

  begin({ facts, method, route, traceparent }: Parameters<RequestObserver['begin']>[0]): RequestWatch {
    const request = new ObservedRequest(this.observers, route, method, traceparent);
    this.byFacts.set(facts, request);
    return request;
  }

  find(facts: RequestFacts): ObservedRequest | undefined {
    return this.byFacts.get(facts);
  }
}
