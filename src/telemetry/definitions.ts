import { accessTokenResults, mailOutcomes, refreshOutcomes, revocationModes, signInKinds, throttleKinds } from '../auth/meter.js';
import { revocationReasons } from '../store/records.js';

/** One row of the table of metrics. `docs/metrics.md` is generated from these rows. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label -> its values, or what they are where the code or the schema lists them. Nothing that a client chooses may be a value. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[];
}

const definition = <const D extends MetricDefinition>(row: D): D => row;

/** Seconds. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const storeBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3];
const hashBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4];

const operation =
  "the schema's own name of the root field; `several`, `introspection`, or `none` where the request was refused before it ran";
const verb = 'a verb of the store port, such as `findSession`';

/** The one table of metrics. */
export const metricDefinitions = {
  httpRequests: definition({
    name: 'latchkey_http_requests_total',
    type: 'counter',
    help: 'HTTP requests that ended.',
    labels: {
      route: 'the route, such as `/graphql`; `unknown` where there is none',
      status: ['1xx', '2xx', '3xx', '4xx', '5xx', 'aborted'],
    },
  }),
  httpInFlight: definition({
    name: 'latchkey_http_requests_in_flight',
    type: 'gauge',
    help: 'HTTP requests that have not ended yet.',
    labels: {},
  }),
  operations: definition({
    name: 'latchkey_graphql_operations_total',
    type: 'counter',
    help: 'GraphQL requests by what was answered. One with several errors counts under the code of the first.',
    labels: { operation, code: '`OK`, or a code of [errors](errors.md)' },
  }),
  operationDuration: definition({
    name: 'latchkey_graphql_operation_duration_seconds',
    type: 'histogram',
    help: 'Time of a GraphQL request, from its head to the end of its answer.',
    labels: { operation },
    buckets: requestBuckets,
  }),
  signIns: definition({
    name: 'latchkey_sign_ins_total',
    type: 'counter',
    help: 'Sign-ups and sign-ins by outcome, retries within one call not counted.',
    labels: { kind: signInKinds, outcome: '`OK`, or a code of [errors](errors.md)' },
  }),
  refreshes: definition({
    name: 'latchkey_refreshes_total',
    type: 'counter',
    help: 'Refreshes by outcome, retries within one call not counted.',
    labels: { outcome: refreshOutcomes },
  }),
  sessionsEnded: definition({
    name: 'latchkey_sessions_ended_total',
    type: 'counter',
    help: 'Sessions that this process ended before their time. One whose end the store did not confirm is not counted.',
    labels: { reason: revocationReasons },
  }),
  accessTokenChecks: definition({
    name: 'latchkey_access_token_checks_total',
    type: 'counter',
    help: 'Access tokens that came with a request, by what was found, the state of the session included.',
    labels: { result: accessTokenResults },
  }),
  revocationMode: definition({
    name: 'latchkey_revocation_mode',
    type: 'gauge',
    help: 'How this process learns of revocations: 1 for the mode in force, 0 for the other.',
    labels: { mode: revocationModes },
  }),
  revocationLag: definition({
    name: 'latchkey_revocation_lag_seconds',
    type: 'gauge',
    help: 'How long ago the instant lies up to which this process is proven to know every revocation. NaN while nothing is proven.',
    labels: {},
  }),
  revocationEntries: definition({
    name: 'latchkey_revocation_entries',
    type: 'gauge',
    help: 'Ended sessions and changed accounts that this process keeps in memory. Above 200,000 it reads instead.',
    labels: {},
  }),
  throttlings: definition({
    name: 'latchkey_throttled_total',
    type: 'counter',
    help: 'What was refused because there had been too much of its kind.',
    labels: { kind: throttleKinds },
  }),
  mails: definition({
    name: 'latchkey_mails_total',
    type: 'counter',
    help: 'What became of mails: `retried` at each attempt that failed, `dropped` where an address had got too many of a kind.',
    labels: { outcome: mailOutcomes },
  }),
  hashesWaiting: definition({
    name: 'latchkey_password_hashes_waiting',
    type: 'gauge',
    help: 'Passwords that wait for a hashing thread.',
    labels: {},
  }),
  hashesRunning: definition({
    name: 'latchkey_password_hashes_running',
    type: 'gauge',
    help: 'Passwords that are being hashed or compared.',
    labels: {},
  }),
  hashWait: definition({
    name: 'latchkey_password_hash_wait_seconds',
    type: 'histogram',
    help: 'How long a password waited for a hashing thread, those refused in the end not counted.',
    labels: {},
    buckets: hashBuckets,
  }),
  hashDuration: definition({
    name: 'latchkey_password_hash_duration_seconds',
    type: 'histogram',
    help: 'How long hashing or comparing a password took.',
    labels: {},
    buckets: hashBuckets,
  }),
  hashRefusals: definition({
    name: 'latchkey_password_hash_refusals_total',
    type: 'counter',
    help: 'Passwords that got no hashing thread in time.',
    labels: {},
  }),
  storeDuration: definition({
    name: 'latchkey_store_duration_seconds',
    type: 'histogram',
    help: 'Time of a call of the store, failed ones included.',
    labels: { verb },
    buckets: storeBuckets,
  }),
  storeErrors: definition({
    name: 'latchkey_store_errors_total',
    type: 'counter',
    help: 'Calls that the store did not answer, or not in time.',
    labels: { verb },
  }),
} as const;
