import { post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';

export const serviceToken = 'token-of-the-services-0123456789';
export const withServices = { LATCHKEY_SERVICE_TOKEN: serviceToken };
const authorization = `Bearer ${serviceToken}`;

export interface RevocationsPage {
  readonly cursor: string;
  readonly as_of: number;
  readonly complete: boolean;
  readonly more: boolean;
  readonly ttl: number;
  readonly sessions: readonly { readonly sid: string; readonly at: number; readonly reason: string; readonly exp: number }[];
  readonly accounts: readonly {
    readonly sub: string;
    readonly ver: number;
    readonly epoch: number;
    readonly kept_sid: string | null;
    readonly roles: readonly string[];
    readonly scope: string;
    readonly disabled: { readonly at: number; readonly until: number | null } | null;
    readonly at: number | null;
    readonly reason: string | null;
    readonly exp: number;
  }[];
}

/** `url`: the API's. */
export function askIntrospection(
  url: string,
  body: string | URLSearchParams | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  const type = 'application/x-www-form-urlencoded';
  return fetch(new URL('/introspect', url), { method: 'POST', body, headers: { authorization, 'content-type': type, ...headers } });
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape it expects.
export async function introspect(url: string, token: string): Promise<any> {
  const response = await askIntrospection(url, new URLSearchParams({ token }));
  if (response.status !== 200) throw new Error(`introspection: ${response.status} ${await response.text()}`);
  return response.json();
}

export interface RevocationsQuery {
  readonly after?: string;
  readonly wait?: number | string;
}

export function askRevocations(url: string, { after, wait }: RevocationsQuery = {}, init: RequestInit = {}): Promise<Response> {
  const query = new URLSearchParams({ ...(after !== undefined && { after }), ...(wait !== undefined && { wait: String(wait) }) });
  return fetch(new URL(`/revocations?${query}`, url), { headers: { authorization }, ...init });
}

/** One page; throws for any other answer. */
export async function revocations(url: string, query: RevocationsQuery = {}, init: RequestInit = {}): Promise<RevocationsPage> {
  const response = await askRevocations(url, query, init);
  if (response.status !== 200) throw new Error(`revocations: ${response.status} ${await response.text()}`);
  return (await response.json()) as RevocationsPage;
}

/** All pages after the cursor, the last one's cursor included. */
export async function allRevocations(url: string, after?: string): Promise<RevocationsPage[]> {
  const pages = [await revocations(url, { after, wait: 0 })];
  for (let last = pages[0]; last?.more; last = pages.at(-1)) pages.push(await revocations(url, { after: last.cursor, wait: 0 }));
  return pages;
}

/** Waits until the server judges access tokens by its feed. `prefix`: where its routes are mounted. */
export async function untilFeed(url: string, prefix = ''): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const { revocations: mode } = (await (await fetch(new URL(`${prefix}/readyz`, url))).json()) as { revocations?: string };
    if (mode === 'feed') return;
    if (Date.now() > giveUpAt) throw new Error('the feed is not proven in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let people = 0;
export async function signUp(url: string) {
  people += 1;
  const input = { email: `served${people}@example.com`, password: goodPassword, username: `served${people}` };
  const { data } = await post(url, signupMutation, { input });
  const { session, accessToken, refreshToken, user } = data.signup.auth;
  return {
    email: input.email,
    username: input.username,
    id: user.id as string,
    sessionId: session.id as string,
    token: accessToken as string,
    refreshToken: refreshToken as string,
  };
}

export const logout = (url: string, token: string) => post(url, 'mutation { logout }', {}, { token });
