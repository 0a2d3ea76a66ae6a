import { ApolloServer, HeaderMap } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { GraphQLError } from 'graphql';
import { createVerifier, TokenRefusedError, type VerifiedToken, VerifierUnavailableError } from 'latchkey/verify';

const { AUTH_ISSUER = '', AUTH_URL = AUTH_ISSUER, AUTH_SERVICE_TOKEN = '', PORT = '3000' } = process.env;

const verifier = createVerifier({
  issuer: AUTH_ISSUER,
  audience: AUTH_ISSUER,
  url: AUTH_URL,
  serviceToken: AUTH_SERVICE_TOKEN,
  onProblem: (error) => console.error('the auth server does not answer:', error),
});

interface Context {
  readonly caller: VerifiedToken;
}

const server = new ApolloServer<Context>({
  typeDefs: `
    type Query { me: Caller! users: [ID!]! }
    type Caller { account: ID! roles: [String!]! }
  `,
  resolvers: {
    Query: {
      me: (_root, _args, { caller }: Context) => ({ account: caller.sub, roles: caller.roles }),
      users: (_root, _args, { caller }: Context) => {
        if (caller.permissions.includes('users:read')) return [];
        throw new GraphQLError('users:read is needed', { extensions: { code: 'FORBIDDEN' } });
      },
    },
  },
});

/** Apollo Server answers with the status and the headers of `extensions.http`, and lets no one see them. */
function asGraphQLError(error: unknown): unknown {
  if (!(error instanceof TokenRefusedError || error instanceof VerifierUnavailableError)) return error;
  const code = error instanceof TokenRefusedError ? 'UNAUTHENTICATED' : 'SERVICE_UNAVAILABLE';
  const http = { status: error.statusCode, headers: new HeaderMap(Object.entries(error.headers)) };
  return new GraphQLError(error.message, { extensions: { code, http } });
}

const { url } = await startStandaloneServer(server, {
  listen: { port: Number(PORT), host: '127.0.0.1' },
  context: async ({ req }) => {
    try {
      return { caller: await verifier.verifyHeader(req.headers.authorization) };
    } catch (error) {
      throw asGraphQLError(error);
    }
  },
});
console.log(url);
// Apollo Server stops by itself on SIGTERM.
process.once('SIGTERM', () => void verifier.close());
