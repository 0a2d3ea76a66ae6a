import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, type DocumentNode, Kind, parse, print, validate } from 'graphql';
import { projectPath } from './project.js';

const schema = buildSchema(readFileSync(projectPath('schema/schema.graphql'), 'utf8'));
const folder = projectPath('console/src/examples');
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.graphql'))
  .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }));
const catalog = readFileSync(`${folder}/catalog.ts`, 'utf8');

/** The document in one notation, its operations without names: the README's are short for the shell. */
function inOneNotation(document: DocumentNode): string {
  const definitions = document.definitions.map((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? { ...definition, name: undefined } : definition,
  );
  return print({ ...document, definitions });
}

/** The GraphQL documents that the README sends with curl. */
function readmeOperations(): string[] {
  const bodies = [...readFileSync(projectPath('README.md'), 'utf8').matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)];
  return bodies.map(([, text]) => JSON.parse(text ?? '') as string);
}

describe('the examples of the sandbox', () => {
  test.each(examples)('$name fits the schema', ({ text }) => {
    expect(validate(schema, parse(text))).toEqual([]);
  });

  test.each(examples)('$name begins with a comment and holds one operation, whose name is of this file alone', ({ text }) => {
    expect(text).toMatch(/^(# \S.*\n)+(query|mutation) [A-Z]\w+/);
    const [operation, ...rest] = parse(text).definitions;
    expect(rest).toEqual([]);
    const name = operation?.kind === Kind.OPERATION_DEFINITION ? operation.name?.value : undefined;
    expect(examples.filter((example) => new RegExp(`^(query|mutation) ${name}\\b`, 'm').test(example.text))).toHaveLength(1);
  });

  test.each(examples)('$name is in the catalog', ({ name }) => {
    expect(catalog).toContain(`from './${name}?raw'`);
  });

  test("hold the README's own operations", () => {
    const known = examples.map(({ text }) => inOneNotation(parse(text)));
    const operations = readmeOperations();
    expect(operations.length).toBeGreaterThanOrEqual(2);
    for (const operation of operations) expect(known).toContain(inOneNotation(parse(operation)));
  });
});
