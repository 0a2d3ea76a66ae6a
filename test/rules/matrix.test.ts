import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  extendSchema,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
  parse,
} from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import { AuthError } from '../../src/auth/errors.js';
import type { Viewer } from '../../src/auth/viewer.js';
import { GraphQLContext } from '../../src/graphql/context.js';
import { createSchema } from '../../src/graphql/schema.js';
import { assertEveryFieldHasARule, differences } from '../../src/rules/coverage.js';
import { createPermissions, permissions } from '../../src/rules/permissions.js';
import { anyone } from '../../src/rules/rules.js';
import { t0 } from '../support/records.js';
import { callers, contextOf, owner } from './callers.js';

const objectTypes = (schema: GraphQLSchema): GraphQLObjectType[] =>
  Object.values(schema.getTypeMap()).filter((type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'));

/** The schema without rules. */
const bare = createSchema();

/** The real schema behind the real rules, with every resolver replaced by one that says that it was reached. */
function guardedSchema(): GraphQLSchema {
  const schema = createSchema();
  for (const type of objectTypes(schema)) for (const field of Object.values(type.getFields())) field.resolve = () => 'allow';
  return applyMiddleware(schema, createPermissions(schema));
}

const guarded = guardedSchema();
type Field = { readonly type: GraphQLObjectType; readonly field: GraphQLField<unknown, unknown>; readonly name: string };
const fields: readonly Field[] = objectTypes(guarded).flatMap((type) =>
  Object.values(type.getFields()).map((field) => ({ type, field, name: `${type.name}.${field.name}` })),
);

function fieldNamed(name: string): Field {
  const found = fields.find((field) => field.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

/** What GraphQL is given by the guarded resolver of the field: `allow`, or an error, which middleware returns and resolvers throw. */
async function resolve({ type, field }: Field, context: GraphQLContext, parent: object): Promise<unknown> {
  const path = { key: field.name, prev: undefined, typename: type.name };
  const info = { fieldName: field.name, parentType: type, schema: guarded, path } as unknown as GraphQLResolveInfo;
  try {
    return await field.resolve?.(parent, {}, context, info);
  } catch (error) {
    return error;
  }
}

/** What the field answers about an object, by default one of `ada`: `allow`, or the code and reason of the refusal. */
async function ask(field: Field, asking: Viewer | GraphQLContext, parent: object = { id: owner }): Promise<string> {
  const context = asking instanceof GraphQLContext ? asking : contextOf(asking);
  const answer = await resolve(field, context, parent);
  if (answer === 'allow') return answer;
  if (!(answer instanceof AuthError)) throw new Error(`${field.name} answered with something unforeseen: ${String(answer)}`);
  return answer.details.reason === undefined ? answer.code : `${answer.code} ${answer.details.reason}`;
}

/** So that a line fits the eye. */
const short: Readonly<Record<string, string>> = {
  'UNAUTHENTICATED NO_TOKEN': '401 NO_TOKEN',
  'UNAUTHENTICATED INVALID': '401 INVALID',
  'UNAUTHENTICATED EXPIRED': '401 EXPIRED',
  'UNAUTHENTICATED REVOKED': '401 REVOKED',
  FORBIDDEN: '403',
  SERVICE_UNAVAILABLE: '503',
};

async function matrix(): Promise<string> {
  const head = ['', ...Object.keys(callers)];
  const rows = await Promise.all(
    fields.map(async (field) => {
      const answers = await Promise.all(Object.values(callers).map((viewer) => ask(field, viewer)));
      return [field.name, ...answers.map((answer) => short[answer] ?? answer)];
    }),
  );
  const sorted = [head, ...rows.sort(([one = ''], [other = '']) => (one < other ? -1 : 1))];
  const widths = head.map((_, column) => Math.max(...sorted.map((row) => row[column]?.length ?? 0)));
  return sorted
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

describe('the rights (P18)', () => {
  it('are as tabled: every field for every kind of caller, about an object of the user', async () => {
    expect(`\n${await matrix()}\n`).toMatchSnapshot();
  });

  it.each([
    ['an object without an id', {}],
    ['an object whose id is undefined', { id: undefined }],
    ['an object whose id is null', { id: null }],
    ['an object whose id is a list with the own one', { id: [owner] }],
    ['the object of somebody else', { id: 'eve' }],
  ])("do not take %s for one's own", async (_what, parent) => {
    const email = fieldNamed('User.email');
    expect(await ask(email, callers['the user'], parent)).toBe('FORBIDDEN');
    expect(await ask(email, callers['the user'])).toBe('allow');
  });

  it('are judged afresh for each object of a list', async () => {
    const context = contextOf(callers['the user']);
    const answers = ['ada', 'eve', 'ada', 'sam'].map((id) => ask(fieldNamed('User.email'), context, { id }));
    expect(await Promise.all(answers)).toEqual(['allow', 'FORBIDDEN', 'allow', 'FORBIDDEN']);
  });

  it('tell somebody whose session ended which, when and why', async () => {
    expect(await resolve(fieldNamed('Query.me'), contextOf(callers.revoked), {})).toMatchObject({
      code: 'UNAUTHENTICATED',
      details: { reason: 'REVOKED', sessionId: 'a session', at: t0 },
    });
  });

  it('refuse when a rule fails, whatever it throws', async () => {
    const broken = {
      get kind(): never {
        throw new TypeError('the viewer is broken');
      },
    } as unknown as Viewer;
    const answers = await Promise.all(fields.map(async (field) => [field.name, await ask(field, broken)]));
    const isOpen = (name: string) => permissions[name.split('.')[0] ?? '']?.[name.split('.')[1] ?? ''] === anyone;
    expect(answers).toEqual(fields.map(({ name }) => [name, isOpen(name) ? 'allow' : 'FORBIDDEN']));
  });

  it.each(['Query.forgotten', 'Unheard.of'])('refuse %s, which has no rule: nothing is open by being forgotten', async (name) => {
    const extended = extendSchema(bare, parse('extend type Query { forgotten: String } type Unheard { of: String }'));
    const schema = applyMiddleware(extended, createPermissions(extended));
    const found = objectTypes(schema).flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({ type, field, name: `${type.name}.${field.name}` })),
    );
    const field = found.find((one) => one.name === name) as Field;
    expect(await ask(field, callers.administrator)).toBe('FORBIDDEN');
  });
});

describe('the table of rights', () => {
  it('covers the schema: every field has a rule, and every rule a field', () => {
    expect(differences(bare, permissions)).toEqual([]);
    expect(() => assertEveryFieldHasARule(bare, permissions)).not.toThrow();
  });

  it.each(Object.entries(permissions).flatMap(([type, row]) => Object.keys(row).map((field) => [type, field])))(
    'is refused without its line for %s.%s',
    (type, field) => {
      const { [field]: _, ...rest } = permissions[type] ?? {};
      expect(differences(bare, { ...permissions, [type]: rest })).toEqual([`${type}.${field} has no rule`]);
      expect(() => assertEveryFieldHasARule(bare, { ...permissions, [type]: rest })).toThrow(`${type}.${field} has no rule`);
    },
  );

  it('is refused without a whole type', () => {
    const { Device: _, ...rest } = permissions;
    expect(differences(bare, rest)).toEqual(['label', 'browser', 'os', 'kind'].map((field) => `Device.${field} has no rule`));
  });

  it('is refused with a line for a field or type that is not there', () => {
    const table = {
      ...permissions,
      Query: { ...permissions.Query, nobodies: permissions.Query?.me },
      Ghost: { id: permissions.Query?.me },
    };
    expect(differences(bare, table)).toEqual(['Query.nobodies has a rule and is no field', 'Ghost.id has a rule and is no field']);
    expect(() => assertEveryFieldHasARule(bare, table)).toThrow('Ghost.id has a rule and is no field');
  });

  it('is not satisfied by a rule for all fields of a type: each must be named', () => {
    expect(differences(bare, { ...permissions, User: { '*': permissions.Query?.me } })).toContain('User.email has no rule');
  });
});

describe('the rules', () => {
  const folder = join(__dirname, '../../src/rules');
  const sources = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

  it('never say "not": with graphql-shield that allows what throws', () => {
    expect(sources.length).toBeGreaterThan(0);
    for (const { name, text } of sources)
      expect({ name, found: /\bnot\s*\(|\bnot\b[^'"`]*from 'graphql-shield'/.exec(codeOf(text)) }).toEqual({ name, found: null });
  });

  it('never wait for anything: what does no I/O needs no promise', () => {
    for (const { name, text } of sources)
      expect({ name, found: /\basync\b|\bawait\b|\.then\(|\bservices\b/.exec(codeOf(text)) }).toEqual({ name, found: null });
  });
});
