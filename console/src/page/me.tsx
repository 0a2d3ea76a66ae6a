import { useQuery } from '@apollo/client/react';
import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react';
import { MeDocument, type MeQuery } from './generated/operations.js';
import { useLiveRefetch, usePollMs } from './live.js';
import { Failure, Loading } from './parts/problem.js';
import { useRoute } from './router.js';

export type Me = MeQuery['me'];
export type Permission = 'users:read' | 'users:write' | 'sessions:read' | 'sessions:revoke' | 'audit:read';

interface OwnAccount {
  readonly me: Me;
  readonly refetch: () => Promise<unknown>;
  /** For what to show; the server decides. */
  can(permission: Permission): boolean;
}
const MeContext = createContext<OwnAccount | null>(null);

/** Asks anew when the person goes to another view: a followed link or new roles are no events of a session. */
function useViewRefetch(refetch: () => Promise<unknown>): void {
  const { segments } = useRoute();
  const view = segments.join('/');
  const seen = useRef(view);
  useEffect(() => {
    if (seen.current !== view) refetch().catch(() => undefined);
    seen.current = view;
  }, [refetch, view]);
}

export function MeProvider({ children }: { readonly children: ReactNode }) {
  const asked = useQuery(MeDocument, { fetchPolicy: 'cache-and-network', pollInterval: usePollMs() });
  const { data, error, refetch } = asked;
  useLiveRefetch(asked);
  useViewRefetch(refetch);
  const me = data?.me;
  if (me === undefined) {
    if (error !== undefined) return <Failure problem={error} onRetry={() => void refetch()} />;
    return <Loading what="your account" />;
  }
  return <MeContext value={{ me, refetch, can: (permission) => me.permissions.includes(permission) }}>{children}</MeContext>;
}

export function useMe(): OwnAccount {
  const own = useContext(MeContext);
  if (own === null) throw new Error('useMe needs a MeProvider above it');
  return own;
}
