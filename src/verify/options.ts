import { type VerifiableAlgorithm, verifiableAlgorithms } from './token-checks.js';

export interface VerifierOptions {
  /** Who makes the tokens: the server's `LATCHKEY_PUBLIC_URL`, to the letter. */
  readonly issuer: string;
  /** Whom they are for: the server's `LATCHKEY_AUDIENCE`, by default its public URL (RFC 8725 3.9). */
  readonly audience: string;
  /**
   * The server's `LATCHKEY_SERVICE_TOKEN`, for the feed and introspection. `null`: signatures alone, so that the token of an ended session is good
   * until it expires. It has to be said, lest a variable that is not set turn revocation off.
   */
  readonly serviceToken: string | null;
  /** Where the server is asked: its address within your network, with the prefix that it is mounted at. By default the issuer. */
  readonly url?: string;
  /** Which signatures count; by default `ES256` and `RS256`. A symmetric algorithm is refused: see docs/resource-servers.md. */
  readonly algorithms?: readonly VerifiableAlgorithm[];
  /**
   * For how long what the feed has told counts after it was last asked for with success, in whole seconds, 3 to 90, by default 15. A connection
   * that breaks without a word is noticed at the latest then; after that each token is asked for.
   */
  readonly staleAfterSeconds?: number;
  /**
   * No token is older, whatever its `exp` says, in seconds; by default 86,400, the longest that the server can be set to. The feed tells the
   * server's present setting, and the shorter of the two counts.
   */
  readonly maxTokenAgeSeconds?: number;
  /** Told of each failure to get keys or revocations, about one a second while it lasts, for your log. */
  readonly onProblem?: (error: unknown) => void;
}

const longestServerTtlSeconds = 86_400;

/** With the defaults filled in. Throws `TypeError` for what cannot work; no message holds a value. */
export function checkOptions(options: VerifierOptions): Required<VerifierOptions> {
  const { issuer, audience, serviceToken, url = issuer, algorithms = verifiableAlgorithms } = options;
  const { staleAfterSeconds = 15, maxTokenAgeSeconds = longestServerTtlSeconds, onProblem = () => {} } = options;
  for (const [name, value] of Object.entries({ issuer, audience })) assert(isName(value), `${name} must be a text`);
  assert(serviceToken === null || isName(serviceToken), 'serviceToken must be a text, or null to do without revocation');
  assert(isHttp(url), 'url must be an http or https address');
  assert(
    algorithms.length > 0 && algorithms.every((one) => verifiableAlgorithms.includes(one)),
    `algorithms may be ${verifiableAlgorithms.join(', ')}`,
  );
  assert(isWithin(staleAfterSeconds, 3, 90), 'staleAfterSeconds must be 3 to 90');
  assert(isWithin(maxTokenAgeSeconds, 1, longestServerTtlSeconds), `maxTokenAgeSeconds must be 1 to ${longestServerTtlSeconds}`);
  // In a turn of its own: what it throws is the application's affair and ends nothing here.
  const tell = (error: unknown) => queueMicrotask(() => onProblem(error));
  return { issuer, audience, serviceToken, url, algorithms: [...algorithms], staleAfterSeconds, maxTokenAgeSeconds, onProblem: tell };
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isHttp = (url: unknown): boolean => typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
const isWithin = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most;

function assert(holds: boolean, message: string): void {
  if (!holds) throw new TypeError(`createVerifier: ${message}`);
}
