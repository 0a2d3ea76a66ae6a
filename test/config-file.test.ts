import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from '../src/config.js';
import { configFileSchema } from '../src/config-file.js';
import { projectPath } from './architecture/project.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-config-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(content: unknown, more: Record<string, string> = {}) {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig({ LATCHKEY_CONFIG_FILE: path, ...more });
}
/** The one problem of this file. */
function refusal(content: unknown): string {
  try {
    load(content);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [{ variable = '', problem = '' } = {}, ...others] = error.problems;
    expect({ variable, others }).toEqual({ variable: 'LATCHKEY_CONFIG_FILE', others: [] });
    return problem;
  }
  throw new Error('this file was accepted');
}
const boss = ['users:read', 'users:write'];

describe('a file of settings', () => {
  it('names the roles, which take the place of the built-in ones', () => {
    const { roles, defaultRole } = load({ $schema: './config.schema.json', roles: { member: [], boss }, defaultRole: 'member' });
    expect({ roles, defaultRole }).toEqual({ roles: { member: [], boss }, defaultRole: 'member' });
    expect([roles, roles.boss, roles.member].every(Object.isFrozen)).toBe(true);
  });

  it.each(['{}', '\n{ }\n', { $schema: 'x' }, { defaultRole: 'user' }])(
    'that leaves out all of it leaves the built-in roles: %j',
    (content) => {
      expect(load(content)).toMatchObject({ roles: loadConfig({}).roles, defaultRole: 'user' });
    },
  );

  it('may take another built-in role for new accounts', () => {
    expect(load({ defaultRole: 'support' }).defaultRole).toBe('support');
  });

  it.each(['a', '0', '-', '_', 'constructor', 'tostring', 'a-b_c', 'x'.repeat(32)])('may name a role %j', (name) => {
    expect(load({ roles: { user: [], [name]: boss } }).roles).toEqual({ user: [], [name]: boss });
  });

  it('switches off single notices, and leaves the others on', () => {
    const { notices } = load({ notices: { newDevice: false, emailChanged: true } });
    expect(notices).toEqual({ newDevice: false, passwordChanged: true, emailChanged: true, reuseDetected: true });
    expect(Object.isFrozen(notices)).toBe(true);
    expect(refusal({ notices: { newDevice: 'off' } })).toContain('must be true or false');
    expect(refusal('{ "notices": {\n "other": true } }')).toBe('names a file at fault in line 2, column 11: is no notice');
    expect(refusal({ notices: [] })).toContain('must be an object: notice -> true or false');
  });

  it('is warned of where strangers can sign up and see what others do', () => {
    const roles = { user: ['users:read'], boss };
    const said = (more: Record<string, string>) => load({ roles }, more).warnings.filter((warning) => warning.includes('every account'));
    expect(said({})).toEqual(['sign-up is open, and every account holds users:read']);
    expect(said({ LATCHKEY_SIGNUP: 'off' })).toEqual([]);
  });

  it('is not there unless it is named', () => {
    expect(loadConfig({ LATCHKEY_CONFIG_FILE: '' })).toMatchObject({ roles: loadConfig({}).roles });
  });
});

describe('a faulty file of settings', () => {
  it.each([
    ['an empty file', '', 'line 1, column 1: must be JSON (ValueExpected)'],
    ['text', 'hunter22', 'line 1, column 1: must be JSON (InvalidSymbol)'],
    ['a comment', '{\n  // hunter22\n}', 'line 2, column 3: must be JSON (InvalidCommentToken)'],
    ['a comma too many', '{ "roles": { "user": [], }\n}', 'line 1, column 26: must be JSON (PropertyNameExpected)'],
    ['an end too soon', '{ "roles": {', 'line 1, column 13: must be JSON (CloseBraceExpected)'],
    ['two documents', '{}\n{}', 'line 2, column 1: must be JSON (EndOfFileExpected)'],
    ['a list', '[]', 'line 1, column 1: must be an object'],
    ['null', 'null', 'line 1, column 1: must be an object'],
    ['an unknown member', '{\n  "hunter22": 1 }', 'line 2, column 15: is no setting of this file'],
    ['a member twice', '{ "defaultRole": "user",\n  "defaultRole": "admin" }', 'line 2, column 3: is named twice, or is __proto__'],
    [
      'a role twice',
      '{ "roles": { "user": [],\n"boss": [], "boss": ["users:write"] } }',
      'line 2, column 13: is named twice, or is __proto__',
    ],
    [
      'a role twice, once in escapes',
      String.raw`{ "roles": { "user": [], "boss": ["users:write"], "\u0062oss": [] } }`,
      'column 51: is named twice, or is __proto__',
    ],
    [
      'a role that no object can have',
      '{ "roles": { "user": [], "__proto__": ["users:write"] } }',
      'column 26: is named twice, or is __proto__',
    ],
    ['roles that are a list', '{ "roles": [] }', 'line 1, column 12: must be an object: name of a role -> permissions'],
    ['a role that is text', '{ "roles": { "user": "users:read" } }', 'line 1, column 22: must be a list of permissions'],
    [
      'an unknown permission',
      '{ "roles": {\n "boss": ["users:write", "hunter22"] } }',
      'line 2, column 26: must be one of users:read, users:write,',
    ],
    ['a permission that is a number', '{ "roles": { "boss": [1] } }', 'line 1, column 23: must be one of users:read, users:write,'],
    ['a default role that is none', '{ "defaultRole": "hunter22" }', 'line 1, column 18: the default role must be one of the roles'],
    ['a default role by inheritance', '{ "defaultRole": "constructor" }', 'line 1, column 18: the default role must be one of the roles'],
    ['a default role that is a number', '{ "defaultRole": 1 }', 'line 1, column 18: must be the name of a role'],
    [
      'roles without the default one',
      '{ "roles": { "boss": ["users:write"] } }',
      'line 1, column 1: the default role must be one of the roles',
    ],
    [
      'a default role that writes',
      '{ "defaultRole": "admin" }',
      'the default role must not hold users:write or sessions:revoke: everybody has it',
    ],
    [
      'a default role that ends sessions',
      '{ "roles": {\n"user": ["sessions:revoke"], "boss": ["users:write"] } }',
      'line 2, column 9: the default role must not hold',
    ],
    ['roles of which none can grant', '{ "roles": { "user": [] } }', 'line 1, column 12: one role at least must hold users:write'],
  ])('is refused by its place and without its content: %s', (_what, content, expected) => {
    const problem = refusal(content);
    expect(problem).toContain(expected);
    expect(problem).toMatch(/^names a file at fault in line \d+, column \d+: /);
    expect(problem).not.toContain('hunter22');
  });

  it.each(['', 'Boss', 'böss', 'a b', 'a.b', 'x'.repeat(33)])('may not name a role %j', (name) => {
    const text = `{ "roles": { "user": [], ${JSON.stringify(name)}: ["users:write"] } }`;
    expect(refusal(text)).toMatch(/a name of a role must have 1 to 32 of a-z, 0-9, - and _$/);
  });

  it('may name a hundred roles, and no more', () => {
    const many = (count: number) => ({
      user: [],
      boss,
      ...Object.fromEntries(Array.from({ length: count - 2 }, (_, index) => [`r${index}`, []])),
    });
    expect(Object.keys(load({ roles: many(100) }).roles)).toHaveLength(100);
    expect(refusal({ roles: many(101) })).toContain('must be at most 100 roles');
  });
});

describe('the schema of the file', () => {
  it('is published, and knows the members of the file', () => {
    const schema = JSON.parse(readFileSync(projectPath('schema/config.schema.json'), 'utf8'));
    expect(schema).toEqual(configFileSchema());
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(Object.keys(schema.properties)).toEqual(['$schema', 'roles', 'defaultRole', 'notices']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toBeUndefined();
    expect(schema.properties.roles.propertyNames.pattern).toBe('^[a-z0-9_-]{1,32}$');
  });
});
