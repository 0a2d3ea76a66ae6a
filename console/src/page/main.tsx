import { ApolloProvider } from '@apollo/client/react';
import { AuthProvider } from 'latchkey-client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { Boundary, Fault } from './boundary.js';
import { apollo, auth } from './connection.js';
import { Frame } from './shell.js';
import './style.css';

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no element #root.');

// A document that the browser kept aside shows what was there before a sign-out elsewhere.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

createRoot(root).render(
  <StrictMode>
    <Boundary
      fault={
        <Frame>
          <Fault />
        </Frame>
      }
    >
      <AuthProvider client={auth}>
        <ApolloProvider client={apollo}>
          <App />
        </ApolloProvider>
      </AuthProvider>
    </Boundary>
  </StrictMode>,
);
