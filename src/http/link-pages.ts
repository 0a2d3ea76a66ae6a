import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.js';

/** From `src/http/` and from `dist/http/` alike. */
const folder = fileURLToPath(new URL('../../pages/', import.meta.url));
const read = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');

/** Script, style and calls of this server alone; no form that a browser would send by itself, no frame around it (RFC 9700 4.16). */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const html = 'text/html; charset=utf-8';
type Links = Pick<Config, 'resetUrl' | 'verifyUrl'>;
/** The line with the way on to the console. */
const consoleLine = /^.*data-console.*\n/m;
const isResetHere = ({ resetUrl }: Links) => resetUrl === null;
const isVerifyHere = ({ verifyUrl }: Links) => verifyUrl === null;
const isAnyHere = (links: Links) => isResetHere(links) || isVerifyHere(links);

const files = [
  { path: '/reset-password', file: 'reset-password.html', type: html, isServed: isResetHere },
  { path: '/verify-email', file: 'verify-email.html', type: html, isServed: isVerifyHere },
  { path: '/link-pages/script.js', file: 'script.js', type: 'text/javascript; charset=utf-8', isServed: isAnyHere },
  { path: '/link-pages/style.css', file: 'style.css', type: 'text/css; charset=utf-8', isServed: isAnyHere },
] as const;

/** The paths that may be served. */
export const linkPagePaths: readonly string[] = files.map(({ path }) => path);

/**
 * The pages that links in mails lead to where the settings name no others: one asks for a new password, the other confirms an address, or
 * takes one back. They hold nothing of anybody. The token is in the fragment of the link: this server sees it as the argument of a mutation
 * only. To be registered after the console: they lead on to it where it is there.
 */
export function registerLinkPages(app: FastifyInstance, links: Links): void {
  const hasConsole = app.hasRoute({ method: 'GET', url: `${app.prefix}/console` });
  for (const { path, file, type, isServed } of files) {
    if (!isServed(links)) continue;
    const text = hasConsole ? read(file) : read(file).replace(type === html ? consoleLine : '', '');
    app.get(path, async (_request, reply) => {
      reply.header('content-security-policy', pagePolicy).header('cache-control', 'no-store').type(type);
      return text;
    });
  }
}
