import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { useRef, useState } from 'react';
import type { Known } from '../../examples/catalog.js';
import { Explorer } from '../../explorer/explorer.js';
import { auth } from '../connection.js';
import { useMe } from '../me.js';
import { shownOf } from '../parts/listing.js';
import { View } from '../parts/view.js';
import { apiUrl } from '../place.js';
import { useOwnSessions } from '../sessions/own-sessions.js';
import { exampleSet } from './example-set.js';
import { createPersonFetch, type Identity } from './person-fetch.js';
import './sandbox.css';

function useKnown(): Known {
  const { me } = useMe();
  const { shown } = shownOf(useOwnSessions(null));
  const other = shown?.sessions.nodes.find(({ isCurrent, state }) => !isCurrent && state === 'ACTIVE');
  return { login: me.email, password: 'your password', otherSessionId: other?.id ?? null, refreshToken: null };
}

/** A fetcher that stays the same, and who it sends as. */
function useFetcher() {
  const [identity, setIdentity] = useState<Identity>('me');
  const latest = useRef(identity);
  latest.current = identity;
  const [fetcher] = useState(() =>
    createGraphiQLFetcher({
      url: apiUrl.href,
      fetch: createPersonFetch(
        auth,
        () => latest.current,
        (target, init) => fetch(target, init),
      ),
      enableIncrementalDelivery: false,
    }),
  );
  return { fetcher, identity, setIdentity };
}

export function SandboxView() {
  const { me } = useMe();
  const known = useKnown();
  const { fetcher, identity, setIdentity } = useFetcher();
  return (
    <View
      title="Sandbox"
      actions={
        <label>
          Send as{' '}
          <select value={identity} onChange={({ target }) => setIdentity(target.value as Identity)}>
            <option value="me">{me.email}</option>
            <option value="nobody">nobody (no token)</option>
          </select>
        </label>
      }
    >
      <div className="explorer">
        <Explorer fetcher={fetcher} examples={{ ...exampleSet, known }} />
      </div>
    </View>
  );
}
