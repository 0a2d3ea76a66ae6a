const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };
const instance = 'instance=~"$instance"';

/** A metric's selector, with further label matchers. */
const of = (metric, ...matchers) => `${metric}{${[instance, ...matchers].join(',')}}`;
const rate = (metric, ...matchers) => `rate(${of(metric, ...matchers)}[$__rate_interval])`;
const ratesBy = (label, metric, ...matchers) => ({ expr: `sum by (${label}) (${rate(metric, ...matchers)})`, legend: `{{${label}}}` });
const quantile = (share, label, metric) => ({
  expr: `histogram_quantile(${share}, sum by (le, ${label}) (${rate(`${metric}_bucket`)}))`,
  legend: `{{${label}}}`,
});
const quantileOfAll = (share, metric) => ({
  expr: `histogram_quantile(${share}, sum by (le) (${rate(`${metric}_bucket`)}))`,
  legend: `p${share * 100}`,
});
const each = (metric) => ({ expr: of(metric), legend: '{{instance}}' });

/** Row -> panels: title, unit of Grafana, queries. */
const rows = {
  Traffic: [
    ['HTTP requests by route', 'reqps', [ratesBy('route', 'latchkey_http_requests_total')]],
    ['HTTP requests by status', 'reqps', [ratesBy('status', 'latchkey_http_requests_total')]],
    ['HTTP requests in flight', 'short', [each('latchkey_http_requests_in_flight')]],
    ['Operations', 'reqps', [ratesBy('operation', 'latchkey_graphql_operations_total')]],
    ['Operations, median time', 's', [quantile(0.5, 'operation', 'latchkey_graphql_operation_duration_seconds')]],
    ['Operations, 99th percentile', 's', [quantile(0.99, 'operation', 'latchkey_graphql_operation_duration_seconds')]],
  ],
  'Errors by code': [
    ['Errors by code', 'reqps', [ratesBy('code', 'latchkey_graphql_operations_total', 'code!="OK"')]],
    [
      'Share of operations that failed by the server',
      'percentunit',
      [
        {
          expr: `sum(${rate('latchkey_graphql_operations_total', 'code=~"SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR"')}) / sum(${rate('latchkey_graphql_operations_total')})`,
          legend: 'share',
        },
      ],
    ],
    ['Access tokens by result', 'reqps', [ratesBy('result', 'latchkey_access_token_checks_total')]],
  ],
  'Sign-ins and refreshes': [
    ['Sign-ins', 'reqps', [ratesBy('outcome', 'latchkey_sign_ins_total', 'kind="login"')]],
    ['Sign-ups', 'reqps', [ratesBy('outcome', 'latchkey_sign_ins_total', 'kind="signup"')]],
    ['Refreshes', 'reqps', [ratesBy('outcome', 'latchkey_refreshes_total')]],
    ['Throttled', 'reqps', [ratesBy('kind', 'latchkey_throttled_total')]],
    ['Mails', 'reqps', [ratesBy('outcome', 'latchkey_mails_total')]],
  ],
  'Sessions ended': [
    ['Sessions ended by reason', 'reqps', [ratesBy('reason', 'latchkey_sessions_ended_total')]],
    [
      'Refresh tokens reused, in an hour',
      'short',
      [{ expr: `sum(increase(${of('latchkey_refreshes_total', 'outcome="reused"')}[1h]))`, legend: 'reused' }],
    ],
  ],
  'Hash queue': [
    [
      'Passwords in line',
      'short',
      [
        { expr: `sum(${of('latchkey_password_hashes_waiting')})`, legend: 'waiting' },
        { expr: `sum(${of('latchkey_password_hashes_running')})`, legend: 'running' },
      ],
    ],
    [
      'Wait for a thread',
      's',
      [quantileOfAll(0.5, 'latchkey_password_hash_wait_seconds'), quantileOfAll(0.99, 'latchkey_password_hash_wait_seconds')],
    ],
    [
      'Time of a hash',
      's',
      [quantileOfAll(0.5, 'latchkey_password_hash_duration_seconds'), quantileOfAll(0.99, 'latchkey_password_hash_duration_seconds')],
    ],
    ['Refused', 'reqps', [{ expr: `sum(${rate('latchkey_password_hash_refusals_total')})`, legend: 'refused' }]],
  ],
  Store: [
    ['Calls by verb', 'reqps', [ratesBy('verb', 'latchkey_store_duration_seconds_count')]],
    ['Median time by verb', 's', [quantile(0.5, 'verb', 'latchkey_store_duration_seconds')]],
    ['99th percentile by verb', 's', [quantile(0.99, 'verb', 'latchkey_store_duration_seconds')]],
    ['Not answered', 'reqps', [ratesBy('verb', 'latchkey_store_errors_total')]],
  ],
  'Event loop': [
    ['Delay, 99th percentile', 's', [each('nodejs_eventloop_lag_p99_seconds')]],
    ['Delay, longest', 's', [each('nodejs_eventloop_lag_max_seconds')]],
    ['Garbage collection', 's', [ratesBy('kind', 'nodejs_gc_duration_seconds_sum')]],
  ],
  Revocations: [
    ['Processes by mode', 'short', [{ expr: `sum by (mode) (${of('latchkey_revocation_mode')})`, legend: '{{mode}}' }]],
    ['Proven up to so long ago', 's', [each('latchkey_revocation_lag_seconds')]],
    ['Entries in memory', 'short', [each('latchkey_revocation_entries')]],
  ],
  Process: [
    ['Processor', 'percentunit', [{ expr: rate('process_cpu_seconds_total'), legend: '{{instance}}' }]],
    ['Memory', 'bytes', [each('process_resident_memory_bytes')]],
    ['Heap in use', 'bytes', [each('nodejs_heap_size_used_bytes')]],
    ['Open file descriptors', 'short', [each('process_open_fds')]],
  ],
};

const width = 24;
const height = 8;

function panelsOf() {
  const panels = [];
  let y = 0;
  const add = (panel) => panels.push({ id: panels.length + 1, ...panel });
  for (const [title, contents] of Object.entries(rows)) {
    add({ type: 'row', title, collapsed: false, gridPos: { h: 1, w: width, x: 0, y }, panels: [] });
    y += 1;
    const perLine = contents.length === 4 ? 4 : Math.min(3, contents.length);
    contents.forEach(([panelTitle, unit, targets], index) => {
      const gridPos = {
        h: height,
        w: width / perLine,
        x: (index % perLine) * (width / perLine),
        y: y + Math.floor(index / perLine) * height,
      };
      add({
        type: 'timeseries',
        title: panelTitle,
        datasource,
        gridPos,
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
        targets: targets.map(({ expr, legend }, target) => ({ refId: 'ABC'[target], datasource, expr, legendFormat: legend })),
      });
    });
    y += Math.ceil(contents.length / perLine) * height;
  }
  return panels;
}

/** `docs/grafana-dashboard.json`. */
export function grafanaDashboard() {
  const dashboard = {
    title: 'Latchkey',
    uid: 'latchkey',
    description: 'Made by `npm run docs`. docs/metrics.md says what the metrics mean.',
    tags: ['latchkey'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Instance',
          type: 'query',
          datasource,
          query: 'label_values(latchkey_http_requests_in_flight, instance)',
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panelsOf(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
