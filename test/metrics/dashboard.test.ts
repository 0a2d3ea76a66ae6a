import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { authErrorCodes } from '../../src/auth/errors.js';
import { type MetricDefinition, metricDefinitions } from '../../src/telemetry/definitions.js';
import { projectPath } from '../architecture/project.js';
import { createFaultyStore } from '../support/faulty-store.js';
import { loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer } from '../support/server.js';
import { metricsToken, parseMetrics, scrape } from './scrape.js';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(projectPath('docs/grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};
const page = readFileSync(projectPath('docs/metrics.md'), 'utf8');
const graphs = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = graphs.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
const alerts = [...page.matchAll(/```promql\n([^`]+)\n```/g)].map(([, expr]) => expr ?? '');

/** Labels that a scrape adds. */
const ofTheScrape = ['instance', 'job'];
const selectors = /\b((?:latchkey|nodejs|process)_\w+)(?:\{([^}]*)\})?/g;
const matchers = /(\w+)(=~|!~|!=|=)"([^"]*)"/g;
const rowOf = (name: string): MetricDefinition | undefined =>
  Object.values(metricDefinitions).find((row) => name.replace(/_(bucket|sum|count)$/, '') === row.name || name === row.name);

describe('After a short story, what is asked of the metrics', () => {
  /** Metric -> the labels that its samples have. */
  const labelsOf = new Map<string, Set<string>>();
  beforeAll(async () => {
    const faulty = createFaultyStore();
    const server = await startServer('sqlite::memory:', { LATCHKEY_METRICS_TOKEN: metricsToken }, faulty.open);
    const input = { email: 'ada@example.com', password: goodPassword };
    const { accessToken, refreshToken } = (await post(server.url, signupMutation, { input })).data.signup.auth;
    await post(server.url, loginMutation, { input: { login: input.email, password: input.password } });
    await post(server.url, refreshMutation, { token: refreshToken });
    await post(server.url, 'mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: input.email });
    await server.app.services.settle();
    await server.app.services.outbox.settle();
    faulty.arm(0, 'before', true);
    await post(server.url, meQuery, {}, { token: accessToken });
    faulty.disarm();
    let text = await scrape(server);
    // The process tells of its garbage collections once there was one.
    while (!text.includes('nodejs_gc_duration_seconds_sum{')) text = await scrape(server);
    for (const sample of parseMetrics(text).keys()) {
      const [name = '', labels = ''] = sample.split('{');
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label ?? '');
      labelsOf.set(name, new Set([...(labelsOf.get(name) ?? []), ...names]));
    }
  });

  it.each([...queries, ...alerts.map((expr) => ['an alert', expr] as const)])('is there: %s: %s', (_, expr) => {
    const asked = [...expr.matchAll(selectors)];
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(',').map((label) => label.trim()));
    if (!expr.startsWith('up{')) expect(asked.length).toBeGreaterThan(0);
    for (const [, name = '', inBraces = ''] of asked) {
      const known = labelsOf.get(name);
      if (known === undefined) throw new Error(`no metric ${name}`);
      const selected = [...inBraces.matchAll(matchers)].map(([, label = '']) => label);
      const strangers = [...selected, ...grouped].filter((label) => !known.has(label) && !ofTheScrape.includes(label));
      expect({ name, strangers }).toEqual({ name, strangers: [] });
    }
  });

  it('is everything that is measured, and the manual tells of all of it', () => {
    const measured = [...labelsOf.keys()].filter((name) => name.startsWith('latchkey_'));
    const untold = measured.map((name) => rowOf(name)?.name ?? name).filter((name) => !page.includes(`| \`${name}\` |`));
    expect(untold).toEqual([]);
    const drawn = queries.map(([, expr]) => expr).join('\n');
    expect(Object.values(metricDefinitions).filter(({ name }) => !drawn.includes(name))).toEqual([]);
  });
});

describe('The dashboard', () => {
  it('has its rows, and asks the data source of its variable alone', () => {
    expect(dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'Traffic',
      'Errors by code',
      'Sign-ins and refreshes',
      'Sessions ended',
      'Hash queue',
      'Store',
      'Event loop',
      'Revocations',
      'Process',
    ]);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', query: 'prometheus' });
    expect(new Set(graphs.map(({ datasource }) => datasource?.uid))).toEqual(new Set(['$' + '{datasource}']));
  });

  it.each([...queries.map(([, expr]) => expr), ...alerts])('asks for values that exist: %s', (expr) => {
    const values = [...expr.matchAll(selectors)].flatMap(([, name = '', inBraces = '']) =>
      [...inBraces.matchAll(matchers)]
        .filter(([, label = '']) => !ofTheScrape.includes(label))
        .flatMap(([, label = '', , value = '']) => value.split('|').map((one) => ({ name, label, value: one }))),
    );
    const unknown = values.filter(({ name, label, value }) => {
      const listed = rowOf(name)?.labels[label];
      if (listed === undefined) return true;
      if (typeof listed !== 'string') return !listed.includes(value);
      return label === 'operation' ? value !== 'refreshToken' : ![...authErrorCodes, 'OK'].includes(value);
    });
    expect(unknown).toEqual([]);
  });
});
