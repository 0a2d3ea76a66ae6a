import { useQuery } from '@apollo/client/react';
import { SessionsDocument } from '../generated/operations.js';
import { useLiveRefetch, usePollMs } from '../live.js';

const pageSize = 20;

/** A page of the person's own sessions, newest sign-in first, as they change. `after`: the cursor behind which it begins. */
export function useOwnSessions(after: string | null) {
  const asked = useQuery(SessionsDocument, {
    variables: { first: pageSize, after },
    fetchPolicy: 'cache-and-network',
    pollInterval: usePollMs(),
  });
  useLiveRefetch(asked);
  return asked;
}
