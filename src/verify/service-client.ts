/** A path beneath an address that may have a path itself: the server can be mounted with a prefix. */
export const addressOf = (base: string, path: string): URL => new URL(`${base.replace(/\/+$/, '')}/${path}`);

/** Asks what the server tells to other services alone. */
export class ServiceClient {
  constructor(
    private readonly base: string,
    private readonly serviceToken: string,
  ) {}

  /**
   * The JSON of an answer with status 200. Throws an `Error` for any other answer, for none, and when `signal` aborts. A redirect is an error: the
   * service token is for the address that was named.
   */
  async ask(path: string, signal: AbortSignal, form?: Readonly<Record<string, string>>): Promise<unknown> {
    const request = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
    const headers = { authorization: `Bearer ${this.serviceToken}`, accept: 'application/json' };
    const response = await fetch(addressOf(this.base, path), { ...request, headers, signal, redirect: 'error' });
    if (response.status === 200) return response.json();
    // Read to its end, so that the connection can be used again.
    await response.arrayBuffer();
    throw new Error(`${path.split('?')[0]}: the server answers ${response.status}`);
  }
}
