import { readFileSync } from 'node:fs';
import { CombinedGraphQLErrors } from '@apollo/client';
import { describe, expect, it, test } from '@jest/globals';
import { buildSchema, GraphQLEnumType, GraphQLError } from 'graphql';
import {
  type AuthErrorDetails,
  AuthRefusedError,
  AuthUnavailableError,
  authErrorOf,
  authErrorReasons,
  authErrorWith,
  isAuthErrorCode,
  revocationReasons,
} from 'latchkey-client/errors';
import { type ErrorKind, errorKinds } from '../../src/auth/errors.js';
import { projectPath } from '../architecture/project.js';

const table: Record<string, ErrorKind> = errorKinds;
const schema = buildSchema(readFileSync(projectPath('schema/schema.graphql'), 'utf8'));
const valuesOf = (name: string): string[] => {
  const type = schema.getType(name);
  if (!(type instanceof GraphQLEnumType)) throw new Error(`${name} is no enum`);
  return type.getValues().map(({ name: value }) => value);
};

describe("The client's table of errors", () => {
  it('has the codes of the server, and of the schema', () => {
    expect(Object.keys(authErrorReasons).sort()).toEqual(Object.keys(table).sort());
    expect(Object.keys(authErrorReasons).sort()).toEqual(valuesOf('AuthErrorCode').sort());
  });

  it('has the reasons for which a session can be revoked', () => {
    expect([...revocationReasons].sort()).toEqual(valuesOf('RevocationReason').sort());
    expect(authErrorReasons.SESSION_REVOKED).toBe(revocationReasons);
  });

  // Their reasons are those of the session that ended, which the server's table leaves to the schema.
  const ofSessions = ['SESSION_REVOKED', 'REFRESH_TOKEN_REUSED'];
  test.each(Object.entries(table).filter(([code]) => !ofSessions.includes(code)))('has the reasons of %s', (code, { reasons = [] }) => {
    expect(authErrorReasons[code as keyof typeof authErrorReasons]).toEqual(reasons);
  });
});

describe('What was caught', () => {
  const extensions = { code: 'SESSION_EXPIRED', reason: 'IDLE', at: '2026-01-01T00:00:00.000Z', sessionId: 's' } as const;
  it.each([
    ['an error of this package', new AuthRefusedError('text', extensions)],
    ["Apollo Client's error", new CombinedGraphQLErrors({ data: null, errors: [{ message: 'text', extensions }] })],
    ['an error of GraphQL', new GraphQLError('text', { extensions })],
    ['an answer', { errors: [{ message: 'text' }, { message: 'text', extensions }] }],
    ['the list of graphql-ws', [{ message: 'text', extensions }]],
  ])('is understood: %s', (_what, caught) => {
    expect(authErrorOf(caught)).toEqual(extensions);
    expect(authErrorWith(caught, 'SESSION_EXPIRED')).toEqual(extensions);
    expect(authErrorWith(caught, 'SESSION_REVOKED')).toBeNull();
  });

  it.each([
    ['a failure of the network', new TypeError('Failed to fetch')],
    ['no answer', new AuthUnavailableError('text')],
    ['a code of somebody else', { extensions: { code: 'TEAPOT' } }],
    ['a name of the language', { extensions: { code: 'constructor' } }],
    ['an empty list', []],
    ['nothing', null],
    ['a text', 'SESSION_EXPIRED'],
  ])('is null for %s', (_what, caught) => {
    expect(authErrorOf(caught)).toBeNull();
  });

  it.each(Object.keys(table))('%s is a code', (code) => {
    expect(isAuthErrorCode(code)).toBe(true);
  });

  it('narrows by its code', () => {
    const caught: AuthErrorDetails | null = authErrorOf({ extensions: { code: 'RATE_LIMITED', retryAfter: 3 } });
    const wait = caught?.code === 'RATE_LIMITED' ? caught.retryAfter : undefined;
    const idle: 'IDLE' | 'ABSOLUTE' | undefined = authErrorWith({ extensions }, 'SESSION_EXPIRED')?.reason;
    // @ts-expect-error: a code that there is not
    expect(authErrorWith({ extensions }, 'SESSION_LOST')).toBeNull();
    expect([wait, idle]).toEqual([3, 'IDLE']);
  });
});
