import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './explorer.css';
import type { Fetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useState } from 'react';
import { examplePlugin } from './example-menu.js';
import { type Examples, ExamplesContext, variablesText } from './examples-context.js';
import { createMemoryStorage } from './memory-storage.js';

/** How wide the examples are beside the editors, and how high the operation above its variables. */
const sizes = { 'graphiql:docExplorerFlex': '0.28', 'graphiql:secondaryEditorFlex': '2' };
const plugins = [examplePlugin, HISTORY_PLUGIN];

export interface Operation {
  readonly query: string;
  readonly variables: string;
}

interface ExplorerProps {
  readonly fetcher: Fetcher;
  readonly examples: Examples;
  /** What to show at the beginning; the first example unless given. */
  readonly first?: Operation | null;
}

/** GraphiQL with a menu of examples. What was written is forgotten when it goes. */
export function Explorer({ fetcher, examples, first = null }: ExplorerProps) {
  const [storage] = useState(() => createMemoryStorage(sizes));
  const [{ query, variables }] = useState(() => {
    const [example] = examples.tour;
    return first ?? { query: example.query, variables: variablesText(example, examples.known) };
  });
  return (
    <ExamplesContext value={examples}>
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
    </ExamplesContext>
  );
}
