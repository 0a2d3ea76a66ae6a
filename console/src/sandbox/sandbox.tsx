import './sandbox.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { type Known, newcomer } from '../examples/catalog.js';
import { Explorer, type Operation } from '../explorer/explorer.js';
import { exampleSet } from './example-set.js';
import { HeldSessions } from './held-sessions.js';
import { IdentityBar } from './identity-bar.js';
import { createSandboxFetch } from './sandbox-fetch.js';
import { SessionsContext, useHeldSessions } from './sessions-context.js';

const held = new HeldSessions();
const fetcher = createGraphiQLFetcher({
  url: new URL('graphql', document.baseURI).href,
  fetch: createSandboxFetch(held, (target, init) => fetch(target, init)),
  enableIncrementalDelivery: false,
});

/** A link may bring an operation (`/graphql?query=...&variables=...`). It is shown; only the person runs it. */
function linkedOperation(): Operation | null {
  const linked = new URLSearchParams(location.search);
  const query = linked.get('query');
  return query === null || query === '' ? null : { query, variables: linked.get('variables') ?? '' };
}
const linked = linkedOperation();

function useKnown(): Known {
  const { sessions, current } = useHeldSessions();
  const other = sessions.findLast((session) => session !== current);
  const { email: login, password } = newcomer;
  return { login, password, otherSessionId: other?.id ?? null, refreshToken: current?.refreshToken ?? null };
}

function HeldExplorer() {
  const known = useKnown();
  return <Explorer fetcher={fetcher} examples={{ ...exampleSet, known }} first={linked} />;
}

/** The schema explorer, with a bar that says who is signed in. */
export function Sandbox() {
  return (
    <SessionsContext value={held}>
      <div className="sandbox">
        <IdentityBar />
        <HeldExplorer />
      </div>
    </SessionsContext>
  );
}
