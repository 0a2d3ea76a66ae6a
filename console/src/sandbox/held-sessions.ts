/** A session whose tokens came by in an answer. */
export interface HeldSession {
  /** The session's id, the `sid` of its access tokens. */
  readonly id: string;
  /** Counts from 1 in the order of the sign-ins. */
  readonly number: number;
  readonly email: string | null;
  readonly accessToken: string;
  /** Null in cookie mode. */
  readonly refreshToken: string | null;
}

export interface HeldState {
  readonly sessions: readonly HeldSession[];
  /** Whose token is sent; null: none is. */
  readonly current: HeldSession | null;
}

type Sighting = Omit<HeldSession, 'number'>;

/** `signup { auth { ... } }` lies no deeper. */
const deepest = 4;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Reads, and does not verify: the page shows what this server said, and decides nothing by it. */
function sessionIdOf(accessToken: string): string | null {
  try {
    const payload = accessToken.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return isRecord(claims) && typeof claims.sid === 'string' ? claims.sid : null;
  } catch {
    return null;
  }
}

function sightingIn({ accessToken, refreshToken, user }: Record<string, unknown>): Sighting | null {
  const id = typeof accessToken === 'string' ? sessionIdOf(accessToken) : null;
  if (typeof accessToken !== 'string' || id === null) return null;
  return {
    id,
    accessToken,
    refreshToken: typeof refreshToken === 'string' ? refreshToken : null,
    email: isRecord(user) && typeof user.email === 'string' ? user.email : null,
  };
}

function* sightingsIn(value: unknown, depth = 0): Generator<Sighting> {
  if (!isRecord(value) || depth > deepest) return;
  const sighting = sightingIn(value);
  if (sighting !== null) yield sighting;
  else for (const member of Object.values(value)) yield* sightingsIn(member, depth + 1);
}

/** The sessions that this page has seen tokens of: in memory, so that they are gone with the page. */
export class HeldSessions {
  #state: HeldState = { sessions: [], current: null };
  readonly #listeners = new Set<() => void>();

  readonly snapshot = (): HeldState => this.#state;

  /** Returns a function that ends the subscription. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Takes the tokens out of a GraphQL answer. A new session becomes the current one; a known one gets its new tokens. */
  notice(answer: unknown): void {
    for (const sighting of sightingsIn(isRecord(answer) ? answer.data : null)) this.#hold(sighting);
  }

  /** Null: send no token. An id that is not held changes nothing. */
  choose(id: string | null): void {
    const chosen = this.#state.sessions.find((session) => session.id === id);
    if (id === null || chosen !== undefined) this.#become({ ...this.#state, current: chosen ?? null });
  }

  /** Forgets every token. The sessions themselves go on. */
  forget(): void {
    this.#become({ sessions: [], current: null });
  }

  #hold(sighting: Sighting): void {
    const { sessions, current } = this.#state;
    const known = sessions.find(({ id }) => id === sighting.id);
    if (known === undefined) {
      const added = { ...sighting, number: sessions.length + 1 };
      this.#become({ sessions: [...sessions, added], current: added });
      return;
    }
    const renewed = {
      ...known,
      accessToken: sighting.accessToken,
      refreshToken: sighting.refreshToken ?? known.refreshToken,
      email: sighting.email ?? known.email,
    };
    this.#become({
      sessions: sessions.map((session) => (session === known ? renewed : session)),
      current: current === known ? renewed : current,
    });
  }

  #become(state: HeldState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
