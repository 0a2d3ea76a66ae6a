import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AuthErrorCode } from '../auth/errors.js';
import type {
  AccessTokenResult,
  HashWatch,
  MailOutcome,
  Meter,
  RefreshOutcome,
  RevocationMode,
  SignInKind,
  ThrottleKind,
} from '../auth/meter.js';
import { revocationModes } from '../auth/meter.js';
import type { RevocationReason } from '../store/records.js';
import { type MetricDefinition, metricDefinitions } from './definitions.js';

/**
 * Memory, processor, event loop: of the process, however many services live in it. Their watchers cannot be taken down again, so
 * that all services share one set of them. Made when the first service asks.
 */
let processRegistry: Registry | undefined;
function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** Alerts ask whether these have risen. From nothing to 1 is no rise, so they are there at 0 from an operation's first request on. */
const faults: readonly AuthErrorCode[] = ['SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'];

/** The metrics of one service, in a registry of its own. */
export class Metrics implements Meter {
  private readonly registry = new Registry();
  private readonly knownOperations = new Set<string>();
  private readonly httpRequests = this.counter(metricDefinitions.httpRequests);
  private readonly httpInFlight = this.gauge(metricDefinitions.httpInFlight);
  private readonly operations = this.counter(metricDefinitions.operations);
  private readonly operationDuration = this.histogram(metricDefinitions.operationDuration);
  private readonly signIns = this.counter(metricDefinitions.signIns);
  private readonly refreshes = this.counter(metricDefinitions.refreshes);
  private readonly endedSessions = this.counter(metricDefinitions.sessionsEnded);
  private readonly accessTokenChecks = this.counter(metricDefinitions.accessTokenChecks);
  private readonly revocationMode = this.gauge(metricDefinitions.revocationMode);
  private readonly revocationLag = this.gauge(metricDefinitions.revocationLag);
  private readonly revocationEntries = this.gauge(metricDefinitions.revocationEntries);
  private readonly throttlings = this.counter(metricDefinitions.throttlings);
  private readonly mails = this.counter(metricDefinitions.mails);
  private readonly hashesWaiting = this.gauge(metricDefinitions.hashesWaiting);
  private readonly hashesRunning = this.gauge(metricDefinitions.hashesRunning);
  private readonly hashWait = this.histogram(metricDefinitions.hashWait);
  private readonly hashDuration = this.histogram(metricDefinitions.hashDuration);
  private readonly hashRefusals = this.counter(metricDefinitions.hashRefusals);
  private readonly storeDuration = this.histogram(metricDefinitions.storeDuration);
  private readonly storeErrors = this.counter(metricDefinitions.storeErrors);

  constructor() {
    for (const { name } of processMetrics().getMetricsAsArray()) {
      const metric = processMetrics().getSingleMetric(name);
      if (metric !== undefined) this.registry.registerMetric(metric);
    }
  }

  readonly contentType: string = this.registry.contentType;

  /** All metrics in Prometheus' text format. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  httpStarted(): void {
    this.httpInFlight.inc();
  }

  /** `status` null: the connection went before the answer was out. */
  httpEnded(route: string | null, status: number | null): void {
    this.httpInFlight.dec();
    this.httpRequests.inc({ route: route ?? 'unknown', status: status === null ? 'aborted' : `${Math.floor(status / 100)}xx` });
  }

  operationEnded(operation: string, code: string, seconds: number): void {
    if (!this.knownOperations.has(operation)) {
      this.knownOperations.add(operation);
      for (const fault of faults) this.operations.inc({ operation, code: fault }, 0);
    }
    this.operations.inc({ operation, code });
    this.operationDuration.observe({ operation }, seconds);
  }

  /** Before the verb's first call. */
  storeVerbKnown(verb: string): void {
    this.storeErrors.inc({ verb }, 0);
  }

  storeCalled(verb: string, seconds: number, isUnavailable: boolean): void {
    this.storeDuration.observe({ verb }, seconds);
    if (isUnavailable) this.storeErrors.inc({ verb });
  }

  sessionsEnded(reason: RevocationReason, count: number): void {
    this.endedSessions.inc({ reason }, count);
  }

  signInEnded(kind: SignInKind, outcome: 'OK' | AuthErrorCode): void {
    this.signIns.inc({ kind, outcome });
  }

  refreshEnded(outcome: RefreshOutcome): void {
    this.refreshes.inc({ outcome });
  }

  accessTokenChecked(result: AccessTokenResult): void {
    this.accessTokenChecks.inc({ result });
  }

  revocationsSeen(inForce: RevocationMode, lagSeconds: number | null, entries: number): void {
    for (const mode of revocationModes) this.revocationMode.set({ mode }, mode === inForce ? 1 : 0);
    this.revocationLag.set(lagSeconds ?? Number.NaN);
    this.revocationEntries.set(entries);
  }

  throttled(kind: ThrottleKind): void {
    this.throttlings.inc({ kind });
  }

  mailEnded(outcome: MailOutcome): void {
    this.mails.inc({ outcome });
  }

  hashAsked(): HashWatch {
    const askedAt = performance.now();
    let startedAt = askedAt;
    this.hashesWaiting.inc();
    return {
      refused: () => {
        this.hashesWaiting.dec();
        this.hashRefusals.inc();
      },
      started: () => {
        startedAt = performance.now();
        this.hashesWaiting.dec();
        this.hashesRunning.inc();
        this.hashWait.observe((startedAt - askedAt) / 1000);
      },
      ended: () => {
        this.hashesRunning.dec();
        this.hashDuration.observe((performance.now() - startedAt) / 1000);
      },
    };
  }

  private options<D extends MetricDefinition>({ name, help, labels }: D) {
    return { name, help, labelNames: Object.keys(labels) as (keyof D['labels'] & string)[], registers: [this.registry] };
  }

  /** Where the values of its one label are known they are there from the start, at 0: a rate then misses no first event. */
  private counter<D extends MetricDefinition>(row: D): Counter<keyof D['labels'] & string> {
    const counter = new Counter(this.options(row));
    const [[label, values] = ['', ''], ...more] = Object.entries(row.labels);
    if (more.length === 0 && typeof values !== 'string') {
      for (const value of values) counter.inc({ [label]: value } as Record<keyof D['labels'] & string, string>, 0);
    }
    return counter;
  }

  private gauge<D extends MetricDefinition>(row: D): Gauge<keyof D['labels'] & string> {
    return new Gauge(this.options(row));
  }

  private histogram<D extends MetricDefinition>(row: D): Histogram<keyof D['labels'] & string> {
    return new Histogram({ ...this.options(row), buckets: [...(row.buckets ?? [])] });
  }
}
