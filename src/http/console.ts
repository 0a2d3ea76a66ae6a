import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { Config } from '../config.js';
import { registerConsolePage } from './console-page.js';

export interface ConsoleDeps {
  readonly config: Pick<Config, 'sandbox' | 'console'>;
  readonly logger: { warn(details: object, message: string): void };
  /** Where `npm run build` put the console; for tests another folder. */
  readonly consoleFolder?: string;
}

/** From `src/http/` and from `dist/http/` alike. */
const builtFolder = fileURLToPath(new URL('../../dist/console/', import.meta.url));
const oneYearMs = 31_536_000_000;

/**
 * For the page alone; every other answer has `default-src 'none'`. Scripts come from files of this server: no inline script, no
 * `eval`. Styles may be inline because the editor (Monaco) writes its theme into `<style>` and positions into `style` attributes. Its
 * style sheet carries fonts and images as `data:`, which cannot run. Its language services are workers from files of this server.
 */
const sandboxPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the API answers with comes first: a client without a preference is no browser that opens a page. */
const answers = ['application/graphql-response+json', 'application/json', 'text/html'];
const prefersPage = (request: FastifyRequest): boolean => new Negotiator(request).mediaType(answers) === 'text/html';

interface Pages {
  /** `/graphql` for browsers. */
  readonly sandbox: string;
  /** `/console`. */
  readonly console: string;
}

/** Null where the console was not built. */
async function readPages(folder: string): Promise<Pages | null> {
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  try {
    return { sandbox: await read('index.html'), console: await read('page.html') };
  } catch {
    return null;
  }
}

async function registerAssets(app: FastifyInstance, { folder }: { readonly folder: string }): Promise<void> {
  // Else a cache in between could hand the compressed form to whoever cannot read it. `Origin` is the CORS plugin's.
  app.addHook('onRequest', async (_request, reply) => void reply.header('vary', 'Origin, Accept-Encoding'));
  await app.register(fastifyStatic, {
    root: folder,
    prefix: '/console/assets/',
    // A route for each file there is, found at the start: no path of a request is ever looked up on the disk.
    wildcard: false,
    globIgnore: ['**/*.gz'],
    index: false,
    preCompressed: true,
    decorateReply: false,
    // Names hold a hash of the content.
    immutable: true,
    maxAge: oneYearMs,
  });
}

function registerSandbox(app: FastifyInstance, page: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.ws || request.method !== 'GET' || request.routeOptions.url !== '/graphql' || !prefersPage(request)) return;
    reply.header('content-security-policy', sandboxPolicy).header('cache-control', 'no-store').type('text/html; charset=utf-8');
    return reply.send(page);
  });
}

/**
 * What browsers get, and its assets; where it was not built (one line in the log), nothing.
 * - While `LATCHKEY_SANDBOX` is on: the schema explorer for a `GET /graphql` that prefers HTML, a linked operation (`?query=`) included,
 *   which the page shows and does not run.
 * - While `LATCHKEY_CONSOLE` is on: the page for accounts and administration, at `/console` and below.
 */
export async function registerConsole(app: FastifyInstance, deps: ConsoleDeps): Promise<void> {
  const { config, logger, consoleFolder: folder = builtFolder } = deps;
  if (!config.sandbox && !config.console) return;
  const pages = await readPages(folder);
  if (pages === null) {
    const setting = config.console ? 'LATCHKEY_CONSOLE' : 'LATCHKEY_SANDBOX';
    logger.warn({ folder }, `${setting} is on, but the console is not built: run \`npm run build\` with the development dependencies`);
    return;
  }
  if (config.sandbox) registerSandbox(app, pages.sandbox);
  if (config.console) registerConsolePage(app, { page: pages.console, sandboxPolicy: config.sandbox ? sandboxPolicy : null });
  await app.register(registerAssets, { folder: join(folder, 'assets') });
}
