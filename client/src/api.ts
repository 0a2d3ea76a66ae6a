import { AuthRefusedError, AuthUnavailableError, type RefusalDetails } from './failures.js';
import type { Grant, Instant } from './grant.js';
import { instantOf } from './grant.js';
import type { Platform } from './platform.js';
import type { AuthUser } from './state.js';

export interface SignupInput {
  readonly email: string;
  readonly password: string;
  readonly username?: string;
}
export interface LoginInput {
  /** Email address or username. */
  readonly login: string;
  readonly password: string;
}

/** New tokens. `refreshToken` is null in cookie mode, where no script ever sees it. */
export interface Tokens {
  readonly grant: Grant;
  readonly refreshToken: string | null;
}

interface AuthPayload {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: string;
  readonly refreshToken: string | null;
  readonly serverTime: string;
  readonly session: { readonly id: string };
  readonly user: AuthUser;
}
interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message?: string; readonly extensions?: Partial<RefusalDetails> }[];
}
interface Call {
  readonly query: string;
  readonly variables?: object;
  readonly accessToken?: string;
}

const payload =
  '{ accessToken accessTokenExpiresAt refreshToken serverTime session { id } user { id email emailVerified username roles permissions } }';
const documents = {
  signup: `mutation Signup($input: SignupInput!) { signup(input: $input) { emailVerificationRequired auth ${payload} } }`,
  login: `mutation Login($input: LoginInput!) { login(input: $input) ${payload} }`,
  refresh: `mutation RefreshToken($token: String) { refreshToken(token: $token) ${payload} }`,
  logout: 'mutation Logout { logout }',
  revoke: 'mutation RevokeToken($token: String) { revokeToken(token: $token) }',
};

export interface ApiDeps {
  readonly uri: string;
  readonly transport: 'bearer' | 'cookie';
  readonly platform: Pick<Platform, 'fetch' | 'clock'>;
  /** Milliseconds after which an answer is not waited for any more. */
  readonly requestTimeoutMs: number;
}

/**
 * The operations that hand out tokens. Each throws `AuthRefusedError` where the server answered with an error, and
 * `AuthUnavailableError` where it did not answer, not in time, or with something that is no answer of this API: a proxy's page says
 * nothing about a session, whatever its status.
 */
export class Api {
  constructor(private readonly deps: ApiDeps) {}

  async signup(input: SignupInput): Promise<{ readonly tokens: Tokens | null; readonly emailVerificationRequired: boolean }> {
    const since = instantOf(this.deps.platform.clock);
    const { signup } = await this.call<{ signup: { auth: AuthPayload | null; emailVerificationRequired: boolean } }>({
      query: documents.signup,
      variables: { input },
    });
    return { tokens: signup.auth && tokensOf(signup.auth, since), emailVerificationRequired: signup.emailVerificationRequired };
  }

  async login(input: LoginInput): Promise<Tokens> {
    const since = instantOf(this.deps.platform.clock);
    const { login } = await this.call<{ login: AuthPayload }>({ query: documents.login, variables: { input } });
    return tokensOf(login, since);
  }

  /** `refreshToken`: null in cookie mode. */
  async refresh(refreshToken: string | null): Promise<Tokens> {
    const since = instantOf(this.deps.platform.clock);
    const variables = { token: refreshToken };
    const data = await this.call<{ refreshToken: AuthPayload }>({ query: documents.refresh, variables });
    return tokensOf(data.refreshToken, since);
  }

  /** Ends the session of the cookie, or of the access token, which may have expired. */
  async logout(accessToken?: string): Promise<void> {
    await this.call({ query: documents.logout, accessToken });
  }

  async revoke(refreshToken: string): Promise<void> {
    await this.call({ query: documents.revoke, variables: { token: refreshToken } });
  }

  private async call<Data>({ query, variables, accessToken }: Call): Promise<Data> {
    const isCookieMode = this.deps.transport === 'cookie';
    const { response, text } = await this.exchange({
      method: 'POST',
      credentials: isCookieMode ? 'include' : 'omit',
      cache: 'no-store',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(isCookieMode && { 'latchkey-transport': 'cookie' }),
        ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = answerIn(text) ?? {};
    const [error] = errors ?? [];
    if (error?.extensions?.code !== undefined) {
      throw new AuthRefusedError(error.message ?? error.extensions.code, withRetryAfter(error.extensions as RefusalDetails, response));
    }
    if (!response.ok || typeof data !== 'object' || data === null) {
      throw new AuthUnavailableError(`No answer of the API: status ${response.status}`, headerMs(response));
    }
    return data as Data;
  }

  /** The body is part of what may be lost, or never end. */
  private async exchange(init: RequestInit): Promise<{ readonly response: Response; readonly text: string }> {
    const { uri, platform, requestTimeoutMs } = this.deps;
    const abort = new AbortController();
    const timer = platform.clock.setTimeout(() => abort.abort(), requestTimeoutMs);
    try {
      const response = await platform.fetch(uri, { ...init, signal: abort.signal });
      return { response, text: await response.text() };
    } catch (cause) {
      throw new AuthUnavailableError('The server cannot be reached', null, { cause });
    } finally {
      platform.clock.clearTimeout(timer);
    }
  }
}

function tokensOf({ accessToken, accessTokenExpiresAt, refreshToken, serverTime, session, user }: AuthPayload, since: Instant): Tokens {
  const issuedAt = Date.parse(serverTime);
  const lifetimeMs = Date.parse(accessTokenExpiresAt) - issuedAt;
  return { grant: { accessToken, sessionId: session.id, user, issuedAt, lifetimeMs, since }, refreshToken };
}

function answerIn(text: string): Answer | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' ? (answer as Answer | null) : null;
  } catch {
    return null;
  }
}

/** RFC 9110 10.2.3, in seconds; null for none, and for a date, which would need a clock to trust. */
function headerMs({ headers }: Response): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

function withRetryAfter(details: RefusalDetails, response: Response): RefusalDetails {
  const ms = headerMs(response);
  return details.retryAfter !== undefined || ms === null ? details : { ...details, retryAfter: ms / 1000 };
}
