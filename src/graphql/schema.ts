import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync, registerEnumType } from 'type-graphql';
import { auditEventKinds } from '../auth/audit-events.js';
import { type ErrorKind, type AuthErrorCode as ErrorTableCode, errorKinds } from '../auth/errors.js';
import { AdministrationResolver } from './resolvers/administration.js';
import { AuditEventResolver } from './resolvers/audit.js';
import { CredentialResolver } from './resolvers/credentials.js';
import { DirectoryResolver, UserConnectionResolver } from './resolvers/directory.js';
import { ServerInfoResolver } from './resolvers/server-info.js';
import { SessionEventResolver } from './resolvers/session-events.js';
import { SessionConnectionResolver, SessionResolver } from './resolvers/sessions.js';
import { TokenResolver } from './resolvers/tokens.js';
import { UserResolver } from './resolvers/users.js';
import { AuditEventType } from './types/audit-enums.js';
import { DateTime } from './types/scalars.js';
import { AuthErrorCode } from './types/server-info.js';

/** What a reader of the schema needs of a code: its text, when it comes, and its reasons. */
function describeCode(code: ErrorTableCode): string {
  const { message, about, reasons }: ErrorKind = errorKinds[code];
  return [message, about, ...(reasons ? [`Reasons: ${reasons.join(', ')}.`] : [])].join(' ');
}

/** Does not compile when the enum lacks a code of the table; a code that the table lacks does not compile below. */
const codes: { readonly [Code in ErrorTableCode]: Code } = AuthErrorCode;

registerEnumType(codes, {
  name: 'AuthErrorCode',
  description: 'The codes of errors, in `extensions.code`; many come with a `reason` beside it.',
  valuesConfig: Object.fromEntries(
    (Object.keys(AuthErrorCode) as (keyof typeof AuthErrorCode)[]).map((code) => [code, { description: describeCode(code) }]),
  ),
});

/** Does not compile when the enum and the table of events differ. */
const eventTypes: { readonly [Type in keyof typeof auditEventKinds]: Type } = AuditEventType;
const eventDescriptions: { readonly [Type in AuditEventType]: { readonly about: string } } = auditEventKinds;

registerEnumType(eventTypes, {
  name: 'AuditEventType',
  description: 'What happened.',
  valuesConfig: Object.fromEntries(Object.entries(eventDescriptions).map(([type, { about }]) => [type, { description: about }])),
});

/** type-graphql asks for one wherever there is a subscription. Those here bring events of their own. */
const noTopics = {
  publish: () => {
    throw new Error('there are no topics');
  },
  subscribe: () => {
    throw new Error('there are no topics');
  },
};

/** The executable schema from the decorators, without rules: `app.ts` puts those in front. */
export function createSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: [
      ServerInfoResolver,
      UserResolver,
      SessionResolver,
      SessionConnectionResolver,
      TokenResolver,
      CredentialResolver,
      DirectoryResolver,
      UserConnectionResolver,
      AdministrationResolver,
      AuditEventResolver,
      SessionEventResolver,
    ],
    scalarsMap: [{ type: Date, scalar: DateTime }],
    // Shapes are checked by GraphQL, meaning by the services: a second validation would be a second place for it.
    validate: false,
    pubSub: noTopics,
  });
}
