import { describe, expect, it } from '@jest/globals';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { QuietExporter } from '../../src/telemetry/quiet-exporter.js';
import { RecordingLog } from '../support/factories.js';

describe('Spans that cannot be sent', () => {
  it('are told of at once, then once a minute, with how many were lost', () => {
    const log = new RecordingLog();
    let now = 0;
    let code = 1;
    const failing: SpanExporter = { export: (_, done) => done({ code, error: new Error('away') }), shutdown: async () => undefined };
    const exporter = new QuietExporter(failing, log, () => now);
    const results: number[] = [];
    const send = (count: number) => exporter.export(Array(count).fill({}) as ReadableSpan[], (result) => void results.push(result.code));
    send(3);
    for (let second = 0; second < 59; second += 1) {
      now += 1_000;
      send(1);
    }
    expect(log.lines).toHaveLength(1);
    now += 1_000;
    send(2);
    code = 0;
    now += 120_000;
    send(5);
    expect(log.lines.map(({ level, details }) => [level, (details as { spans: number }).spans])).toEqual([
      ['warn', 3],
      ['warn', 61],
    ]);
    expect(results).toHaveLength(62);
  });
});
