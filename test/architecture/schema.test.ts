import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  type DocumentNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  lexicographicSortSchema,
  parse,
  printSchema,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { authErrorCodes } from '../../src/auth/errors.js';
import { createSchema } from '../../src/graphql/schema.js';
import { projectPath } from './project.js';

const schema = createSchema();
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
const ownTypes = types.filter(({ name }) => !['String', 'Int', 'Boolean', 'ID', 'Float'].includes(name));
const objectTypes = types.filter(isObjectType);
const rootTypes = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter((type) => type != null);

interface Described {
  readonly name: string;
  readonly description?: string | null;
}

function* partsOf(type: GraphQLNamedType): Generator<[string, Described]> {
  yield [type.name, type];
  if (isEnumType(type)) for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value];
  if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) yield [`${type.name}.${field.name}`, field];
  if (!isObjectType(type)) return;
  for (const field of Object.values(type.getFields())) {
    yield [`${type.name}.${field.name}`, field];
    for (const argument of field.args) yield [`${type.name}.${field.name}(${argument.name})`, argument];
  }
}

function operationDocuments(): DocumentNode {
  const folder = projectPath('test/api/operations');
  return parse(
    readdirSync(folder)
      .map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
      .join('\n'),
  );
}

/** `Type.field` for every field that the documents select. */
function selectedFields(document: DocumentNode): Set<string> {
  const selected = new Set<string>();
  const info = new TypeInfo(schema);
  const note = visitWithTypeInfo(info, { Field: ({ name }) => void selected.add(`${info.getParentType()?.name}.${name.value}`) });
  visit(document, note);
  return selected;
}

const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields());

describe('the schema', () => {
  test('is the committed one: run `npm run schema` and read the difference', () => {
    const committed = readFileSync(projectPath('schema/schema.graphql'), 'utf8');
    expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toBe(committed);
  });

  test('describes every type, field, argument and enum value', () => {
    const parts = ownTypes.filter((type) => !rootTypes.some((root) => root === type)).flatMap((type) => [...partsOf(type)]);
    const operations = rootTypes.flatMap((type) => [...partsOf(type)].slice(1));
    const silent = [...parts, ...operations].filter(([, { description }]) => !description?.trim()).map(([place]) => place);
    expect(silent).toEqual([]);
  });

  test('has the operations of the core, by name, arguments and type', () => {
    const signatures = rootTypes.flatMap((type) =>
      fieldsOf(type).map((field) => {
        const args = field.args.map((argument) => `${argument.name}: ${argument.type}`).sort();
        return `${field.name}(${args.join(', ')}): ${field.type}`;
      }),
    );
    expect(signatures).toEqual(
      expect.arrayContaining([
        'serverInfo(): ServerInfo!',
        'me(): User!',
        'sessions(after: String, first: Int, state: SessionState): SessionConnection!',
        'session(id: ID!): Session',
        'signup(input: SignupInput!): SignupPayload!',
        'login(input: LoginInput!): AuthPayload!',
        'refreshToken(token: String): AuthPayload!',
        'revokeToken(token: String): Boolean!',
        'logout(): Boolean!',
        'revokeSession(id: ID!): Session!',
        'revokeOtherSessions(): RevokedSessions!',
        'revokeAllSessions(): RevokedSessions!',
        'sessionEvents(all: Boolean): SessionEvent!',
      ]),
    );
  });

  test('pages every connection alike: first 20 (of the audit log 50), after, and cursors', () => {
    const connections = objectTypes.flatMap(fieldsOf).filter((field) => getNamedType(field.type).name.endsWith('Connection'));
    expect(connections.length).toBeGreaterThan(0);
    for (const { name: field, args } of connections) {
      expect(args.find(({ name }) => name === 'first')?.defaultValue).toBe(field === 'auditEvents' ? 50 : 20);
      expect(args.map(({ name }) => name)).toContain('after');
    }
  });

  test('lists exactly the codes of the error table', () => {
    const type = schema.getType('AuthErrorCode');
    const codes = isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
    expect(codes.sort()).toEqual([...authErrorCodes].sort());
  });
});

describe('the operations that the API tests use', () => {
  const document = operationDocuments();

  test('fit the schema', () => {
    expect(validate(schema, document)).toEqual([]);
  });

  test('select every field of every type', () => {
    const selected = selectedFields(document);
    const missed = objectTypes
      .flatMap((type) => fieldsOf(type).map(({ name }) => `${type.name}.${name}`))
      .filter((field) => !selected.has(field));
    expect(missed).toEqual([]);
  });
});
