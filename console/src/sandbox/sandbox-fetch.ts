import type { HeldSessions } from './held-sessions.js';

/**
 * `fetch` that speaks for the current session and takes the tokens out of each answer. An `Authorization` that the caller gives
 * (the header editor's) stands; so does an empty one.
 */
export function createSandboxFetch(held: HeldSessions, send: typeof fetch): typeof fetch {
  return async (target, init) => {
    const headers = new Headers(init?.headers);
    const { current } = held.snapshot();
    if (current !== null && !headers.has('authorization')) headers.set('authorization', `Bearer ${current.accessToken}`);
    const response = await send(target, { ...init, headers });
    // An answer that is no JSON is GraphiQL's to report.
    held.notice(
      await response
        .clone()
        .json()
        .catch(() => null),
    );
    return response;
  };
}
