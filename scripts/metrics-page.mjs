const cell = (text) => text.replaceAll('|', '\\|');

const introduction = `# Metrics and traces

Both are off unless they are asked for. This page is generated from the table in \`src/telemetry/definitions.ts\`.

## Scraping

With \`LATCHKEY_METRICS_TOKEN\` set, \`GET /metrics\` answers in Prometheus' text format to whoever sends that token as
\`Authorization: Bearer\`. Without the setting the path is one that does not exist. For Prometheus:

\`\`\`yaml
scrape_configs:
  - job_name: latchkey
    authorization:
      credentials_file: /etc/prometheus/latchkey-token
    static_configs:
      - targets: ['127.0.0.1:4000']
\`\`\`

Each process counts for itself, so scrape every one of them, past the load balancer. Counters begin at 0 with the process.
[grafana-dashboard.json](grafana-dashboard.json) is a dashboard for Grafana: import it and choose the data source.

No address, login, id or token is in a metric, and nothing that a client chooses is a label: aliases, operation names and unknown paths
do not appear.

## Metrics
`;

const rest = `
Besides these there are the metrics that prom-client has for every Node process: \`process_*\` (processor, memory, file descriptors) and
\`nodejs_*\` (event loop, heap, garbage collection). They are of the process, whichever service of it is asked.

A request that a client gave up counts in \`latchkey_graphql_operations_total\` when its operation has ended. One whose time ran out counts
under \`SERVICE_UNAVAILABLE\`, whatever became of it afterwards.

## Alerts worth having
`;

/** Each holds for an installation of any size, but the thresholds are places to begin. */
const alerts = [
  ['A process is not there', 'up{job="latchkey"} == 0'],
  ['The store does not answer', 'sum(rate(latchkey_store_errors_total[5m])) > 0'],
  [
    'A fault of the server: look for it in the log',
    'sum(increase(latchkey_graphql_operations_total{code="INTERNAL_SERVER_ERROR"}[5m])) > 0',
  ],
  [
    'People are told to come back later',
    'sum(rate(latchkey_graphql_operations_total{code=~"SERVICE_UNAVAILABLE|RATE_LIMITED"}[5m])) / sum(rate(latchkey_graphql_operations_total[5m])) > 0.01',
  ],
  ['More passwords than the machine can hash', 'sum(rate(latchkey_password_hash_refusals_total[5m])) > 0'],
  [
    'Somebody guesses passwords',
    'sum(rate(latchkey_sign_ins_total{kind="login",outcome="INVALID_CREDENTIALS"}[10m])) > 1 and sum(rate(latchkey_sign_ins_total{kind="login",outcome="INVALID_CREDENTIALS"}[10m])) / sum(rate(latchkey_sign_ins_total{kind="login"}[10m])) > 0.5',
  ],
  ['Somebody is slowed down', 'sum by (kind) (rate(latchkey_throttled_total[10m])) > 1'],
  [
    'Refresh tokens are reused: theft, or a client that keeps old tokens',
    'sum(rate(latchkey_refreshes_total{outcome="reused"}[1h])) / sum(rate(latchkey_refreshes_total[1h])) > 0.001',
  ],
  [
    'Refreshes are slow',
    'histogram_quantile(0.99, sum by (le) (rate(latchkey_graphql_operation_duration_seconds_bucket{operation="refreshToken"}[5m]))) > 1',
  ],
  ['The event loop is blocked', 'max(nodejs_eventloop_lag_p99_seconds) > 0.2'],
];

const traces = `
## Traces

With \`OTEL_EXPORTER_OTLP_ENDPOINT\` set, spans go to that OpenTelemetry collector, by OTLP over HTTP in JSON:

| span | of | attributes |
|---|---|---|
| \`POST /graphql\` | a request to \`/graphql\`; goes on with the \`traceparent\` of its caller | \`http.request.method\`, \`http.route\`, \`http.response.status_code\`, \`error.type\` |
| \`query me\`, \`mutation login\`, ... | its operation, by the schema's name of the root field | \`graphql.operation.type\`, \`latchkey.graphql.field\`, \`error.type\` |
| \`findSession\`, ... | a call of the store | \`db.system.name\`, \`db.operation.name\`, \`error.type\` |
| \`password hash\` | a password, from its place in line to its hash; the event \`hashing\` stands between waiting and hashing | \`latchkey.hash.wait_ms\`, \`error.type\` |

\`error.type\` is a code of [errors](errors.md) or the kind of an error, never its text. Documents, variables, names that a client chose,
addresses, ids and tokens are in no span, and \`tracestate\` is not taken over. The line of a request in the log has its \`trace_id\`.

Whoever calls the server may choose the id of a trace, and by the flag in \`traceparent\` whether it is recorded. Where that matters, let
the proxy remove the header or set it.

The standard variables of OpenTelemetry's SDK for headers, time-out, compression, certificates, sampling and batching work too
(\`OTEL_EXPORTER_OTLP_HEADERS\`, \`OTEL_TRACES_SAMPLER\`, \`OTEL_BSP_SCHEDULE_DELAY\`, ...). A collector that fails disturbs no request: its
spans are lost, and the log says so at most once a minute. A stop sends what is left, for 2 s at most.
`;

const labelsOf = ({ labels }) =>
  Object.entries(labels)
    .map(([name, values]) => `\`${name}\`: ${typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ')}`)
    .join('. ') || 'none';

/** `docs/metrics.md` from the rows of the table of metrics. */
export function metricsPage(rows) {
  const lines = rows.map((row) => `| ${[`\`${row.name}\``, row.type, row.help, labelsOf(row)].map(cell).join(' | ')} |`);
  const table = ['| metric | type | meaning | labels |', '|---|---|---|---|', ...lines].join('\n');
  const rules = alerts.map(([meaning, expression]) => `${meaning}:\n\n\`\`\`promql\n${expression}\n\`\`\`\n`).join('\n');
  return `${introduction}\n${table}\n${rest}\n${rules}${traces}`;
}
