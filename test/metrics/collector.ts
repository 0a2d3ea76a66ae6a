import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Record<string, unknown>;
  readonly events: readonly string[];
  readonly traceState?: string;
}

interface KeyValue {
  readonly key: string;
  readonly value: Record<string, unknown>;
}
interface OtlpSpan extends Omit<ReceivedSpan, 'attributes' | 'events'> {
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly { readonly name: string }[];
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A receiver of OTLP over HTTP, in JSON, on this machine. */
export interface Collector {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  readonly endpoint: string;
  readonly paths: string[];
  /** The bodies as they came. */
  readonly bodies: string[];
  /** Attributes of the resources that sent. */
  readonly resources: Record<string, unknown>[];
  readonly spans: ReceivedSpan[];
  /** What it answers with from now on; null: nothing at all. */
  answerWith(status: number | null): void;
  close(): Promise<void>;
}

const flat = (attributes: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export async function startCollector(): Promise<Collector> {
  let status: number | null = 200;
  const received = {
    paths: [] as string[],
    bodies: [] as string[],
    resources: [] as Record<string, unknown>[],
    spans: [] as ReceivedSpan[],
  };
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    received.paths.push(request.url ?? '');
    received.bodies.push(body);
    for (const { resource, scopeSpans } of (JSON.parse(body) as ExportRequest).resourceSpans) {
      received.resources.push(flat(resource.attributes));
      for (const { attributes, events = [], parentSpanId = '', ...span } of scopeSpans.flatMap(({ spans }) => spans)) {
        received.spans.push({ ...span, parentSpanId, attributes: flat(attributes), events: events.map(({ name }) => name) });
      }
    }
    if (status === null) return;
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...received,
    answerWith: (next) => {
      status = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
