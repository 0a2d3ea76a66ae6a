import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createAuthClient } from 'latchkey-client';
import { authLink } from 'latchkey-client/apollo';
import { createSocketClient } from 'latchkey-client/graphql-ws';
import { apiUrl, socketUrl } from './place.js';
import { withServerClock } from './server-clock.js';

export const auth = createAuthClient({ uri: apiUrl.href, transport: 'cookie' });
export const socket = createSocketClient(auth, { url: socketUrl() });

// In cookie mode the server clears the cookie of a session that the page ends.
const http = new HttpLink({ uri: apiUrl.href, headers: { 'latchkey-transport': 'cookie' }, fetch: withServerClock });

export const apollo = new ApolloClient({
  link: authLink(auth).split(({ operationType }) => (operationType as string) === 'subscription', new GraphQLWsLink(socket), http),
  cache: new InMemoryCache(),
  // Who asks anew wants no answer that was under way before: it may be older than what is asked about.
  queryDeduplication: false,
  // A page that nobody sees is not kept signed in.
  defaultOptions: { watchQuery: { skipPollAttempt: () => document.visibilityState !== 'visible' } },
});

let sessionId: string | null = null;
auth.onChange((state) => {
  const next = state.kind === 'signed-in' ? state.sessionId : null;
  // Another session is another person's page; new roles of the same one are not.
  if (sessionId !== null && sessionId !== next) void apollo.clearStore();
  sessionId = next;
});
