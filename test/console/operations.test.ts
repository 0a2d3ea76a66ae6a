import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, Kind, parse, validate } from 'graphql';
import { projectPath } from '../architecture/project.js';

const folder = 'console/src/page/operations';
const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const schema = buildSchema(read('schema/schema.graphql'));
const texts = readdirSync(projectPath(folder)).map((name) => read(`${folder}/${name}`));
const document = parse(texts.join('\n'));

describe('the operations of the console', () => {
  test('fit the schema, all together', () => {
    expect(texts.length).toBeGreaterThan(1);
    expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  });

  test('take no token out of an answer: the client has its own', () => {
    expect(texts.join('\n')).not.toMatch(/\b(accessToken|refreshToken)\b/);
  });

  test('each have one name, by which the documents are generated', () => {
    const names = document.definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? [one.name?.value] : []));
    const generated = read('console/src/page/generated/operations.ts');
    expect(names.filter((name) => !generated.includes(`export const ${name}Document = `))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});
