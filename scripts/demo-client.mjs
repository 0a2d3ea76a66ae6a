import { styleText } from 'node:util';

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (format, text) => (colours ? styleText(format, text) : text);

/** What the demo was told and what it saw differ, or the server cannot be asked. Its message can be shown. */
export class DemoError extends Error {}

const tokenFields = new Set(['accessToken', 'refreshToken', 'token']);
const shortened = (token) => (token.length > 24 ? `${token.slice(0, 10)}...${token.slice(-4)}` : '...');

/** For `JSON.stringify`: no password is shown, and of a token what tells it from another. */
function withoutSecrets(key, value) {
  if (typeof value !== 'string') return value;
  if (key === 'password') return '...';
  return tokenFields.has(key) ? shortened(value) : value;
}

export const say = (text = '') => console.log(text);
export const sayTitle = (text) => say(`\n${paint('bold', text)}`);
const show = (text) => say(`  ${paint('dim', text)}`);

function showRequest(query, { variables, accessToken, device }) {
  const token = accessToken === undefined ? 'no access token' : `access token ${shortened(accessToken)}`;
  show(`-> ${device.name}, ${token}: ${query}`);
  if (variables !== undefined) show(`   ${JSON.stringify(variables, withoutSecrets)}`);
}

function showAnswer(status, { data, errors }) {
  const seen = errors === undefined ? data : errors.map(({ message, extensions }) => ({ message, ...extensions }));
  show(`<- ${status} ${JSON.stringify(seen, withoutSecrets)}`);
}

/** Says what to notice, once it was seen to be so. Throws `DemoError` when it was not. */
export function notice(isSo, text) {
  if (!isSo) throw new DemoError(`Not so: ${text}`);
  say(`  ${paint('green', 'ok')} ${text}`);
}

/** Asks a server over GraphQL, and shows each request and its answer. */
export class DemoClient {
  /** `signal` ends whatever request is under way. */
  constructor(url, signal) {
    this.url = url;
    this.signal = signal;
  }

  /**
   * POSTs a document and comes back with `data` and `error`, the `extensions` of the first error (undefined when there is none).
   * Throws `DemoError` when nobody answers, or the answer is no GraphQL.
   */
  async ask(document, { variables, accessToken, device, silent = false } = {}) {
    const query = document.replace(/\s+/g, ' ').trim();
    if (!silent) showRequest(query, { variables, accessToken, device });
    const headers = {
      'content-type': 'application/json',
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      ...(device !== undefined && { 'user-agent': device.userAgent }),
    };
    const { status, body } = await this.#post(headers, JSON.stringify({ query, variables }));
    if (!silent) showAnswer(status, body);
    return { data: body.data ?? null, error: body.errors?.[0]?.extensions };
  }

  async #post(headers, body) {
    try {
      const response = await fetch(this.url, { method: 'POST', headers, body, signal: this.signal, redirect: 'error' });
      return { status: response.status, body: this.#parse(response.status, await response.text()) };
    } catch (error) {
      if (error instanceof DemoError || this.signal.aborted) throw error;
      throw new DemoError(`Nobody answers at ${this.url}: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
    }
  }

  #parse(status, text) {
    try {
      const body = JSON.parse(text);
      if (typeof body === 'object' && body !== null && ('data' in body || Array.isArray(body.errors))) return body;
    } catch {
      // The same as other JSON: not what a GraphQL server says.
    }
    throw new DemoError(`${this.url} answers with status ${status}, and not with GraphQL. Does its path end with /graphql?`);
  }
}
