import { isTexts } from './claims.js';
import { VerifierUnavailableError } from './errors.js';
import { isObject } from './feed-page.js';
import type { Verdict } from './known-revocations.js';
import type { ServiceClient } from './service-client.js';

const timeoutMs = 3_000;
/** After a failure nobody asks for so long: a server that is down must not collect everybody's connections. */
const pauseMs = 1_000;

interface IntrospectionDeps {
  readonly client: ServiceClient;
  readonly monotonic: () => number;
}

/** What a token is worth now, by `POST /introspect` (RFC 7662). */
export class Introspection {
  private lastFailure: { readonly at: number; readonly cause: unknown } | null = null;

  constructor(private readonly deps: IntrospectionDeps) {}

  /** Throws `VerifierUnavailableError` where the server does not say: at most after 3 s, and at once within a second of the last failure. */
  async ask(token: string): Promise<Verdict> {
    const { client, monotonic } = this.deps;
    const { lastFailure } = this;
    if (lastFailure !== null && monotonic() - lastFailure.at < pauseMs) throw new VerifierUnavailableError(lastFailure.cause);
    try {
      const verdict = verdictOf(await client.ask('introspect', AbortSignal.timeout(timeoutMs), { token }));
      this.lastFailure = null;
      return verdict;
    } catch (cause) {
      this.lastFailure = { at: monotonic(), cause };
      throw new VerifierUnavailableError(cause);
    }
  }
}

/** RFC 7662 2.2: an inactive token is told no reason. */
function verdictOf(answer: unknown): Verdict {
  if (isObject(answer) && answer.active === false) return { alive: false };
  if (!isObject(answer) || answer.active !== true || !isTexts(answer.roles) || typeof answer.scope !== 'string') {
    throw new Error('introspect: the answer is no introspection');
  }
  return { alive: true, roles: answer.roles, scope: answer.scope };
}
