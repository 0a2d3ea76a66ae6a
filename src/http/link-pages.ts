import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

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
const files = [
  { path: '/reset-password', file: 'reset-password.html', type: html },
  { path: '/verify-email', file: 'verify-email.html', type: html },
  { path: '/link-pages/script.js', file: 'script.js', type: 'text/javascript; charset=utf-8' },
  { path: '/link-pages/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
] as const;

/** The paths that are served. */
export const linkPagePaths: readonly string[] = files.map(({ path }) => path);

/**
 * The pages that links in mails lead to unless the settings name others: one asks for a new password, the other confirms an address, or
 * takes one back. They hold nothing of anybody. The token is in the fragment of the link: this server sees it as the argument of a mutation
 * only.
 */
export function registerLinkPages(app: FastifyInstance): void {
  for (const { path, file, type } of files) {
    const text = read(file);
    app.get(path, async (_request, reply) => {
      reply.header('content-security-policy', pagePolicy).header('cache-control', 'no-store').type(type);
      return text;
    });
  }
}
