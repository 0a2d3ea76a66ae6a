/** Where bearer mode keeps the refresh token. Whatever can read it can be this user for as long as the session lives. */
export interface TokenStorage {
  /** Tabs whose storages have the same name share one session. Null: the token is this tab's alone. */
  readonly sharedAs: string | null;
  /** Null for nothing. */
  read(): string | null | Promise<string | null>;
  /** Must have happened when it returns or resolves: only then is the access token handed out. */
  write(refreshToken: string | null): void | Promise<void>;
}

/** Forgets with the page: every load begins signed out, and every tab has its own session. */
export function memoryStorage(): TokenStorage {
  let held: string | null = null;
  return {
    sharedAs: null,
    read: () => held,
    write: (refreshToken) => {
      held = refreshToken;
    },
  };
}

export interface WebStorageOptions {
  /** The name of the item, `latchkey` unless given. Two services on one origin need two. */
  readonly key?: string;
}

/**
 * `localStorage`: tabs share one session, which outlives the browser. Any script of the page can read it, so cookie mode is better
 * wherever the page is on the server's site. Not for `sessionStorage`: browsers copy that into a duplicated tab, and the copy of a
 * refresh token ends the session when both are used.
 */
export function webStorage(
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  { key = 'latchkey' }: WebStorageOptions = {},
): TokenStorage {
  return {
    sharedAs: key,
    read: () => storage.getItem(key),
    write: (refreshToken) => (refreshToken === null ? storage.removeItem(key) : storage.setItem(key, refreshToken)),
  };
}
