import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import type { Example } from '../examples/catalog.js';
import { useExamples, variablesText } from './examples-context.js';

/** Shows the example in its own tab, as it was written: a tab that has it already is gone back to. */
function useTabs(): { readonly shown: string | null; readonly open: (example: Example) => void } {
  const { known } = useExamples();
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
      variableEditor?.setValue(variablesText(example, known));
    },
  };
}

function ExampleList({ examples, numbered = false }: { readonly examples: readonly Example[]; readonly numbered?: boolean }) {
  const { shown, open } = useTabs();
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
  const { lead, tour, more } = useExamples();
  return (
    <section className="example-menu" aria-label="Examples">
      <h2>Examples</h2>
      <p>{lead}</p>
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
