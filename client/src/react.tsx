import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { AuthClient } from './auth-client.js';
import type { AuthState } from './state.js';

const AuthContext = createContext<AuthClient | null>(null);
/** One object, so that rendering on a server has a snapshot that stays the same. */
const unknown: AuthState = { kind: 'unknown' };
const serverSnapshot = () => unknown;

/** Gives the client to what is below, and starts it. The client is the page's: it lives on when this goes. */
export function AuthProvider({ client, children }: { readonly client: AuthClient; readonly children?: ReactNode }): ReactNode {
  useEffect(() => {
    // The client tries again by itself, and the state says when it knows.
    client.start().catch(() => undefined);
  }, [client]);
  return <AuthContext.Provider value={client}>{children}</AuthContext.Provider>;
}

/** Who is signed in, and the client to sign in and out with. Renders again when that changes, in whichever tab. Throws outside `AuthProvider`. */
export function useAuth(): { readonly state: AuthState; readonly client: AuthClient } {
  const client = useContext(AuthContext);
  if (client === null) throw new Error('useAuth needs an AuthProvider above it');
  const subscribe = useMemo(() => (listener: () => void) => client.onChange(listener), [client]);
  const state = useSyncExternalStore(subscribe, () => client.state, serverSnapshot);
  return { state, client };
}
