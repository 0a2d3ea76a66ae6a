import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { type GraphQLNamedType, isEnumType, isInputObjectType, isObjectType } from 'graphql';
import { createSchema } from '../../src/graphql/schema.js';
import { projectPath } from './project.js';

/** Every name that a client may rely on: `Type.field(arguments): type`, `Input.field: type`, `Enum.VALUE`. */
const promised = readFileSync(projectPath('test/architecture/contract.txt'), 'utf8').trimEnd().split('\n');

/** The names of a type, as the contract writes them. */
function* namesOf(type: GraphQLNamedType): Generator<string> {
  if (isEnumType(type)) for (const { name } of type.getValues()) yield `${type.name}.${name}`;
  if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) yield `${type.name}.${field.name}: ${field.type}`;
  if (!isObjectType(type)) return;
  for (const field of Object.values(type.getFields())) {
    const args = field.args.map(({ name, type: kind, defaultValue }) => {
      return `${name}: ${kind}${defaultValue === undefined ? '' : ` = ${JSON.stringify(defaultValue)}`}`;
    });
    yield `${type.name}.${field.name}${args.length > 0 ? `(${args.sort().join(', ')})` : ''}: ${field.type}`;
  }
}

test('the schema has every name of the public contract, with its arguments, defaults, types and nullability', () => {
  const present = new Set(Object.values(createSchema().getTypeMap()).flatMap((type) => [...namesOf(type)]));
  expect(promised.length).toBeGreaterThan(200);
  expect(promised.filter((name) => !present.has(name))).toEqual([]);
});
