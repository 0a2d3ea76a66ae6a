import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AuthError } from '../auth/errors.js';

export interface ConsolePageDeps {
  /** With `__CONSOLE__` where the way to `/console/` belongs, and `__SANDBOX__` for whether there is one. */
  readonly page: string;
  /** For the view with the schema explorer; null: the server has none. */
  readonly sandboxPolicy: string | null;
}

/**
 * Files and calls of this server alone; nothing inline, no form that a browser would send by itself, no frame around it (RFC 9700 4.16).
 * `connect-src 'self'` covers the socket, which has the same host (CSP 3, 6.7.2.8).
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What follows `/console/` in the address as it was sent; null for `/console` itself. */
function viewIn(request: FastifyRequest, mount: string): string | null {
  const path = request.url.split('?', 1)[0] ?? '';
  return path === mount ? null : path.slice(mount.length + 1);
}

/** From the page's own address to `/console/`, so that a proxy may put all of it under a path of its own. */
const wayToConsole = (view: string | null): string => (view === null ? 'console/' : './'.concat('../'.repeat(view.split('/').length - 1)));

/**
 * The page at `/console` and at every path below it but the assets': which view an address names is the page's affair. It holds nothing of
 * anybody. The schema explorer's editor needs inline styles, so that view alone has a policy of its own, and is opened as a document anew.
 */
export function registerConsolePage(app: FastifyInstance, { page, sandboxPolicy }: ConsolePageDeps): void {
  const mount = `${app.prefix}/console`;
  const template = page.replaceAll('__SANDBOX__', sandboxPolicy === null ? 'off' : 'on');
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const view = viewIn(request, mount);
    // A script that is not there must not come back as a page.
    if (view !== null && /^assets(\/|$)/.test(view)) throw new AuthError('NOT_FOUND');
    const policy = view === 'sandbox' && sandboxPolicy !== null ? sandboxPolicy : pagePolicy;
    reply.header('content-security-policy', policy).header('cache-control', 'no-store').type('text/html; charset=utf-8');
    return template.replaceAll('__CONSOLE__', wayToConsole(view));
  };
  app.get('/console', answer);
  app.get('/console/*', answer);
}
