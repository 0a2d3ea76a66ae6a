import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useState } from 'react';
import { createMemoryStorage } from '../../sandbox/memory-storage.js';
import { auth } from '../connection.js';
import { useMe } from '../me.js';
import { View } from '../parts/view.js';
import { apiUrl } from '../place.js';
import './sandbox.css';

type Identity = 'me' | 'nobody';

const storage = createMemoryStorage();
const plugins = [HISTORY_PLUGIN];
const firstQuery = `query WhoAmI {
  me {
    email
    roles
    permissions
    sessions {
      totalCount
      nodes { id isCurrent state device { label } }
    }
  }
}
`;

let identity: Identity = 'me';

/** Speaks for the person of this page, or for nobody. The cookie stays out of it, and a header of the editor's wins. */
const send: typeof fetch = async (target, init) => {
  const headers = new Headers(init?.headers);
  const token = identity === 'me' && !headers.has('authorization') ? await auth.getAccessToken() : null;
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return fetch(target, { ...init, headers, credentials: 'omit' });
};
const fetcher = createGraphiQLFetcher({ url: apiUrl.href, fetch: send, enableIncrementalDelivery: false });

export function SandboxView() {
  const { me } = useMe();
  const [chosen, setChosen] = useState<Identity>(identity);
  const choose = (next: Identity) => {
    identity = next;
    setChosen(next);
  };
  return (
    <View
      title="Sandbox"
      actions={
        <label>
          Send as{' '}
          <select value={chosen} onChange={({ target }) => choose(target.value as Identity)}>
            <option value="me">{me.email}</option>
            <option value="nobody">nobody (no token)</option>
          </select>
        </label>
      }
    >
      <div className="explorer">
        <GraphiQL
          fetcher={fetcher}
          storage={storage}
          plugins={plugins}
          initialQuery={firstQuery}
          defaultQuery=""
          showPersistHeadersSettings={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
      </div>
    </View>
  );
}
