import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { ApolloProvider, useQuery } from '@apollo/client/react';
import { createAuthClient } from 'latchkey-client';
import { authLink } from 'latchkey-client/apollo';
import { AuthProvider, useAuth } from 'latchkey-client/react';
import type { PropsWithChildren } from 'react';
import { createRoot } from 'react-dom/client';
import { SignIn } from './sign-in.js';

const uri = 'https://auth.example.com/graphql';
const auth = createAuthClient({ uri, transport: 'cookie' });
const apollo = new ApolloClient({ link: ApolloLink.from([authLink(auth), new HttpLink({ uri })]), cache: new InMemoryCache() });
auth.onChange(() => void apollo.clearStore());

function Protected({ children }: PropsWithChildren) {
  const { state } = useAuth();
  if (state.kind === 'unknown') return 'One moment.';
  if (state.kind === 'signed-out') return <SignIn reason={state.reason} />;
  return <main key={state.sessionId}>{children}</main>;
}

function Account() {
  const { data } = useQuery<{ me: { email: string } }>(gql`query Me { me { email } }`);
  return (
    <button type="button" onClick={() => auth.logout()}>
      Sign out {data?.me.email}
    </button>
  );
}

createRoot(document.body).render(
  <AuthProvider client={auth}>
    <ApolloProvider client={apollo}>
      <Protected>
        <Account />
      </Protected>
    </ApolloProvider>
  </AuthProvider>,
);
