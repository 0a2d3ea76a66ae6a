import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync, registerEnumType } from 'type-graphql';
import { type AuthErrorCode as ErrorTableCode, errorKinds } from '../auth/errors.js';
import { ServerInfoResolver } from './resolvers/server-info.js';
import { SessionEventResolver } from './resolvers/session-events.js';
import { SessionConnectionResolver, SessionResolver } from './resolvers/sessions.js';
import { TokenResolver } from './resolvers/tokens.js';
import { UserResolver } from './resolvers/users.js';
import { DateTime } from './types/scalars.js';
import { AuthErrorCode } from './types/server-info.js';

/** Does not compile when the enum lacks a code of the table; a code that the table lacks does not compile below. */
const codes: { readonly [Code in ErrorTableCode]: Code } = AuthErrorCode;

registerEnumType(codes, {
  name: 'AuthErrorCode',
  description: '`extensions.code` of every error.',
  valuesConfig: Object.fromEntries(
    (Object.keys(AuthErrorCode) as (keyof typeof AuthErrorCode)[]).map((code) => [code, { description: errorKinds[code].about }]),
  ),
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
    resolvers: [ServerInfoResolver, UserResolver, SessionResolver, SessionConnectionResolver, SessionEventResolver, TokenResolver],
    scalarsMap: [{ type: Date, scalar: DateTime }],
    // Shapes are checked by GraphQL, meaning by the services: a second validation would be a second place for it.
    validate: false,
    pubSub: noTopics,
  });
}
