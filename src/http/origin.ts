import type { FastifyCorsOptions } from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.js';

/**
 * CORS by exact origins. An unlisted origin gets no CORS header at all: given a list, @fastify/cors would still send it
 * `Access-Control-Allow-Credentials` and the exposed headers, so the list is asked here.
 */
export function corsOptions({ allowedOrigins }: Pick<Config, 'allowedOrigins'>): FastifyCorsOptions {
  const allowed = new Set(allowedOrigins);
  return {
    origin: (origin, decide) => decide(null, origin !== undefined && allowed.has(origin) ? origin : false),
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: ['content-type', 'authorization', 'latchkey-transport', 'x-request-id'],
    exposedHeaders: ['x-request-id', 'retry-after'],
    maxAge: 600,
    // The plugin answers an odd preflight in plain text; a 204 says as much.
    strictPreflight: false,
  };
}

/**
 * Whether the request comes from a page that may use the cookie. `Origin` must be there: browsers send it with every POST.
 * `Sec-Fetch-Site` is judged when sent; `none` (typed by hand) is no page's POST.
 */
export function comesFromAllowedPage({ headers }: Pick<FastifyRequest, 'headers'>, allowedOrigins: readonly string[]): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin === undefined || !allowedOrigins.includes(origin)) return false;
  return site === undefined || site === 'same-origin' || site === 'same-site';
}
