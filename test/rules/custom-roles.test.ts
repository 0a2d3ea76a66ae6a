import { describe, expect, it } from '@jest/globals';
import { buildSchema, execute, parse } from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import { asAuthError } from '../../src/auth/errors.js';
import { RoleBook } from '../../src/auth/role-book.js';
import { permissions } from '../../src/auth/roles.js';
import type { Viewer } from '../../src/auth/viewer.js';
import {
  selfOrEitherReader,
  selfOrSessionsReader,
  selfOrUsersReader,
  sessionsRevoker,
  signedIn,
  usersWriter,
} from '../../src/rules/rules.js';
import { shield } from '../../src/rules/shield.js';
import { t0 } from '../support/records.js';
import { callers, contextOf, owner, signedInAs } from './callers.js';

/** A role for each permission, and one for none. */
const names = ['none', ...permissions.map((permission) => permission.replace(':', '-'))];
const book = new RoleBook({
  roles: Object.fromEntries([['none', []], ...permissions.map((permission) => [permission.replace(':', '-'), [permission]])]),
  defaultRole: 'none',
});

/** Every kind of field there is, and which permissions open it about somebody else. */
const kinds = { signedIn, selfOrUsersReader, selfOrSessionsReader, selfOrEitherReader, usersWriter, sessionsRevoker };
const openedBy: Readonly<Record<keyof typeof kinds, readonly string[]>> = {
  signedIn: names,
  selfOrUsersReader: ['users-read'],
  selfOrSessionsReader: ['sessions-read'],
  selfOrEitherReader: ['users-read', 'sessions-read'],
  usersWriter: ['users-write'],
  sessionsRevoker: ['sessions-revoke'],
};

const fieldNames = Object.keys(kinds) as (keyof typeof kinds)[];
const bare = buildSchema(`type Query { ${fieldNames.map((field) => `${field}: Boolean`).join(' ')} }`);
const schema = applyMiddleware(bare, shield({ Query: kinds }, { allowExternalErrors: true, debug: false }).generate(bare));

/** What the rule says: `allow`, or the code of the refusal. */
async function ask(field: string, viewer: Viewer, { id = owner, now = t0 } = {}): Promise<string> {
  const root = { id, [field]: true };
  const { data, errors = [] } = await execute({
    schema,
    document: parse(`{ ${field} }`),
    rootValue: root,
    contextValue: contextOf(viewer, undefined, now),
  });
  if (data?.[field] === true) return 'allow';
  return asAuthError(errors[0]?.originalError)?.code ?? `something unforeseen: ${errors[0]?.message}`;
}
const holder = (name: string) => signedInAs({ id: 'eve', roles: [name], permissions: book.permissionsOf([name]) });

describe('roles of the settings', () => {
  it.each(fieldNames.flatMap((field) => names.map((name) => [field, name] as const)))(
    '%s is for %s what its permission says',
    async (field, name) => {
      expect(await ask(field, holder(name))).toBe(openedBy[field].includes(name) ? 'allow' : 'FORBIDDEN');
    },
  );

  it.each(fieldNames)('that the settings do not know open nothing about somebody else: %s', async (field) => {
    expect(await ask(field, holder('admin'))).toBe(field === 'signedIn' ? 'allow' : 'FORBIDDEN');
  });
});

describe.each(['usersWriter', 'sessionsRevoker'])('the rule %s', (field) => {
  const administrator = callers.administrator;
  const later = (ms: number) => ({ now: t0 + ms });

  it.each([
    ['in the same moment', 0, 'allow'],
    ['at the age of the settings', 900_000, 'allow'],
    ['a millisecond older', 900_001, 'REAUTHENTICATION_REQUIRED'],
    ['by a clock that is behind by half a minute', -30_000, 'allow'],
    ['from the future', -30_001, 'REAUTHENTICATION_REQUIRED'],
  ])('takes a proof of the password %s', async (_what, age, expected) => {
    expect(await ask(field, administrator, later(age))).toBe(expected);
  });

  it('refuses first who is not signed in, then who may not, and only then what is too old', async () => {
    const late = later(3_600_000);
    expect(await ask(field, callers['no token'], late)).toBe('UNAUTHENTICATED');
    expect(await ask(field, callers.unavailable, late)).toBe('SERVICE_UNAVAILABLE');
    expect(await ask(field, callers.support, late)).toBe('FORBIDDEN');
    expect(await ask(field, administrator, late)).toBe('REAUTHENTICATION_REQUIRED');
  });
});
