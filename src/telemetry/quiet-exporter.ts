import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Log } from '../auth/log.js';

const logPauseMs = 60_000;

/** Hands spans on, and says in the log that they could not be sent: at once, then at most once a minute. */
export class QuietExporter implements SpanExporter {
  private loggedAt = Number.NEGATIVE_INFINITY;
  private lost = 0;

  /** `now` in milliseconds, only ever forward; for tests. */
  constructor(
    private readonly exporter: SpanExporter,
    private readonly log: Pick<Log, 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      if (result.code !== ExportResultCode.SUCCESS) this.failed(spans.length, result.error);
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private failed(spans: number, error: Error | undefined): void {
    this.lost += spans;
    if (this.now() - this.loggedAt < logPauseMs) return;
    this.loggedAt = this.now();
    this.log.warn({ err: error, spans: this.lost }, 'spans could not be sent to the collector and are lost');
    this.lost = 0;
  }
}
