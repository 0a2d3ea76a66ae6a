import { createContext, useContext, useSyncExternalStore } from 'react';
import { HeldSessions, type HeldState } from './held-sessions.js';

/** GraphiQL renders a plugin's content without props: what it needs comes by context. */
export const SessionsContext = createContext(new HeldSessions());

export function useHeldSessions(): HeldState & { readonly held: HeldSessions } {
  const held = useContext(SessionsContext);
  return { ...useSyncExternalStore(held.subscribe, held.snapshot), held };
}
