import { createContext, useContext, useSyncExternalStore } from 'react';
import { HeldSessions, type HeldState } from './held-sessions.js';

/** The sessions of this page. */
export const SessionsContext = createContext(new HeldSessions());

export function useHeldSessions(): HeldState & { readonly held: HeldSessions } {
  const held = useContext(SessionsContext);
  return { ...useSyncExternalStore(held.subscribe, held.snapshot), held };
}
