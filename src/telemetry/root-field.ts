import { type DocumentNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/** The names of the fields that a validated operation asks for at its root, each once, fragments opened. */
function rootFields(operation: OperationDefinitionNode, document: DocumentNode): Set<string> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const fields = new Set<string>();
  const pending: SelectionSetNode[] = [operation.selectionSet];
  for (let set = pending.pop(); set !== undefined; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) fields.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) pending.push(selection.selectionSet);
      else {
        const fragment = fragments.get(selection.name.value);
        // Opened once: a document of many spreads names no more fields than its fragments.
        fragments.delete(selection.name.value);
        if (fragment !== undefined) pending.push(fragment.selectionSet);
      }
    }
  }
  return fields;
}

/**
 * What an operation is called where its own name and its aliases, which the client chose, must not be told: the schema's name of its
 * root field, `several` for more than one, `introspection` for none but `__schema`, `__type` and `__typename`. The document must
 * have passed validation.
 */
export function rootFieldOf(operation: OperationDefinitionNode, document: DocumentNode): string {
  const fields = rootFields(operation, document);
  fields.delete('__typename');
  const names = [...fields];
  if (names.every((name) => name.startsWith('__'))) return 'introspection';
  return names.length === 1 && names[0] !== undefined ? names[0] : 'several';
}
