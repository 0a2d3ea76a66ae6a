import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './sandbox.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { tour } from '../examples/catalog.js';
import { examplePlugin, variablesText } from './example-menu.js';
import { HeldSessions } from './held-sessions.js';
import { IdentityBar } from './identity-bar.js';
import { createMemoryStorage } from './memory-storage.js';
import { createSandboxFetch } from './sandbox-fetch.js';
import { SessionsContext } from './sessions-context.js';

const held = new HeldSessions();
/** How wide the examples are beside the editors, and how high the operation above its variables. */
const storage = createMemoryStorage({ 'graphiql:docExplorerFlex': '0.28', 'graphiql:secondaryEditorFlex': '2' });
const plugins = [examplePlugin, HISTORY_PLUGIN];
const fetcher = createGraphiQLFetcher({
  url: new URL('graphql', document.baseURI).href,
  fetch: createSandboxFetch(held, (target, init) => fetch(target, init)),
  enableIncrementalDelivery: false,
});

/** A link may bring an operation (`/graphql?query=...&variables=...`). It is shown; only the person runs it. */
function firstTab(): { readonly query: string; readonly variables: string } {
  const linked = new URLSearchParams(location.search);
  const query = linked.get('query');
  if (query !== null && query !== '') return { query, variables: linked.get('variables') ?? '' };
  return { query: tour[0].query, variables: variablesText(tour[0], held.snapshot()) };
}
const { query, variables } = firstTab();

/** The schema explorer: GraphiQL, with examples beside it and a bar that says who is signed in. */
export function Sandbox() {
  return (
    <SessionsContext value={held}>
      <div className="sandbox">
        <IdentityBar />
        <GraphiQL
          fetcher={fetcher}
          storage={storage}
          plugins={plugins}
          visiblePlugin={examplePlugin.title}
          initialQuery={query}
          initialVariables={variables}
          defaultQuery=""
          defaultEditorToolsVisibility="variables"
          showPersistHeadersSettings={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
      </div>
    </SessionsContext>
  );
}
