import type { TestServer } from '../support/server.js';

export const metricsToken = 'token-of-the-scraper-0123456789';

/** `name{label="value",...}`, as it stands in the text, -> its value. */
export type Samples = ReadonlyMap<string, number>;

export function parseMetrics(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

export function metricsUrl({ url }: Pick<TestServer, 'url'>): string {
  return new URL('/metrics', url).href;
}

export async function scrape(server: Pick<TestServer, 'url'>): Promise<string> {
  const response = await fetch(metricsUrl(server), { headers: { authorization: `Bearer ${metricsToken}` } });
  if (response.status !== 200) throw new Error(`no metrics: ${response.status} ${await response.text()}`);
  return response.text();
}

/** The samples of one metric that are not 0, by their labels. */
export function samplesOf(text: string, name: string): Record<string, number> {
  const found = [...parseMetrics(text)].filter(([sample, value]) => value !== 0 && (sample === name || sample.startsWith(`${name}{`)));
  return Object.fromEntries(found.map(([sample, value]) => [sample.slice(name.length), value]));
}
