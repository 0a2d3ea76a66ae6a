import { createContext, useContext } from 'react';
import type { Example, ExampleSet, Known } from '../examples/catalog.js';

export interface Examples extends ExampleSet {
  readonly known: Known;
}

/** GraphiQL renders a plugin's content without props: what it needs comes by context. */
export const ExamplesContext = createContext<Examples | null>(null);

export function useExamples(): Examples {
  const examples = useContext(ExamplesContext);
  if (examples === null) throw new Error('useExamples needs an ExamplesContext above it');
  return examples;
}

/** The variables as the editor shows them; empty where there are none. */
export const variablesText = ({ variables }: Example, known: Known): string =>
  variables === null ? '' : JSON.stringify(variables(known), null, 2);
