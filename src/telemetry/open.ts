import type { ApolloServerPlugin } from '@apollo/server';
import type { Log } from '../auth/log.js';
import { type Meter, noMeter } from '../auth/meter.js';
import type { Config } from '../config.js';
import type { GraphQLContext } from '../graphql/context.js';
import type { MetricsSource } from '../http/metrics-route.js';
import type { RequestObserver } from '../http/request-observer.js';
import type { Store } from '../store/port.js';
import { observeStore } from './observed-store.js';
import { createOperationPlugin } from './operation-plugin.js';
import { ObservedRequests } from './requests.js';
import type { Tracing } from './tracing.js';

/** How the parts of a service tell what they do. With everything off it does nothing, and nothing is wrapped. */
export interface Telemetry {
  readonly meter: Meter;
  readonly observeStore: (store: Store) => Store;
  readonly plugins: readonly ApolloServerPlugin<GraphQLContext>[];
  readonly requests: RequestObserver | null;
  readonly metrics: MetricsSource | null;
  /** Sends the last spans. Never throws. */
  readonly close: () => Promise<void>;
}

const noTelemetry: Telemetry = {
  meter: noMeter,
  observeStore: (store) => store,
  plugins: [],
  requests: null,
  metrics: null,
  close: async () => undefined,
};

/** The meter, with a span for each hash as well. */
function withSpans(meter: Meter, tracing: Tracing): Meter {
  return {
    signInEnded: (kind, outcome) => meter.signInEnded(kind, outcome),
    refreshEnded: (outcome) => meter.refreshEnded(outcome),
    accessTokenChecked: (result) => meter.accessTokenChecked(result),
    revocationsSeen: (mode, lagSeconds, entries) => meter.revocationsSeen(mode, lagSeconds, entries),
    throttled: (kind) => meter.throttled(kind),
    mailEnded: (outcome) => meter.mailEnded(outcome),
    hashAsked: () => {
      const [count, span] = [meter.hashAsked(), tracing.startHash()];
      return {
        refused: () => {
          count.refused();
          span?.refused();
        },
        started: () => {
          count.started();
          span?.started();
        },
        ended: () => {
          count.ended();
          span?.ended();
        },
      };
    },
  };
}

interface TelemetryDeps {
  readonly config: Pick<Config, 'metricsToken' | 'otlpEndpoint' | 'otlpServiceName' | 'storeUrl'>;
  readonly log: Log;
  /** The product's. */
  readonly version: string;
}

/** Metrics and tracing as the settings ask for them. The libraries of what is off are not loaded. */
export async function openTelemetry({ config, log, version }: TelemetryDeps): Promise<Telemetry> {
  const { metricsToken, otlpEndpoint } = config;
  const metrics = metricsToken === null ? null : new (await import('./metrics.js')).Metrics();
  const tracing = otlpEndpoint === null ? null : new (await import('./tracing.js')).Tracing({ config, log, version });
  if (metrics === null && tracing === null) return noTelemetry;
  const requests = new ObservedRequests({ metrics, tracing });
  const meter = metrics ?? noMeter;
  return {
    meter: tracing === null ? meter : withSpans(meter, tracing),
    observeStore: (store) => observeStore(store, { metrics, tracing }),
    plugins: [createOperationPlugin(requests)],
    requests,
    metrics:
      metrics === null || metricsToken === null
        ? null
        : { token: metricsToken, contentType: metrics.contentType, render: () => metrics.render() },
    close: async () => tracing?.close(),
  };
}
