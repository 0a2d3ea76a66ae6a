import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { type Example, more, tour } from '../examples/catalog.js';
import type { HeldState } from './held-sessions.js';
import { useHeldSessions } from './sessions-context.js';

/** The variables as the editor shows them, filled in from the sessions that the sandbox holds; empty where there are none. */
export function variablesText({ variables }: Example, { sessions, current }: HeldState): string {
  if (variables === null) return '';
  const other = sessions.findLast((session) => session !== current) ?? null;
  return JSON.stringify(variables({ current, other }), null, 2);
}

/** Shows the example in its own tab, as it was written: a tab that has it already is gone back to. */
function useExamples(): { readonly shown: string | null; readonly open: (example: Example) => void } {
  const state = useHeldSessions();
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL((graphiql) => ({
    tabs: graphiql.tabs,
    activeTabIndex: graphiql.activeTabIndex,
    queryEditor: graphiql.queryEditor,
    variableEditor: graphiql.variableEditor,
  }));
  return {
    shown: tabs[activeTabIndex]?.operationName ?? null,
    open: (example) => {
      const present = tabs.findIndex(({ operationName }) => operationName === example.operationName);
      if (present < 0) addTab();
      else changeTab(present);
      queryEditor?.setValue(example.query);
      variableEditor?.setValue(variablesText(example, state));
    },
  };
}

function ExampleList({ examples, numbered = false }: { readonly examples: readonly Example[]; readonly numbered?: boolean }) {
  const { shown, open } = useExamples();
  const List = numbered ? 'ol' : 'ul';
  return (
    <List>
      {examples.map((example) => (
        <li key={example.title}>
          <button type="button" aria-pressed={shown === example.operationName} onClick={() => open(example)}>
            {example.title}
          </button>
          {shown === example.operationName && <p>{example.about}</p>}
        </li>
      ))}
    </List>
  );
}

function ExampleMenu() {
  return (
    <section className="example-menu" aria-label="Examples">
      <h2>Examples</h2>
      <p>From an empty server to an ended session: open one, then run it with the pink button or Ctrl-Enter.</p>
      <ExampleList examples={tour} numbered />
      <h3>More</h3>
      <ExampleList examples={more} />
    </section>
  );
}

function ExampleIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" role="img" aria-label="Examples">
      <path d="M10 6h10M10 12h10M10 18h10M4 5l1-1v4M4 11h2l-2 3h2M4 16h2v4h-2m2-2h-1" />
    </svg>
  );
}

export const examplePlugin: GraphiQLPlugin = { title: 'Examples', icon: ExampleIcon, content: ExampleMenu };
