import { describe, expect, it } from '@jest/globals';
import type { AuthClient } from 'latchkey-client';
import { AuthProvider, useAuth } from 'latchkey-client/react';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { credentials, scripted } from './scripted.js';

// What follows a change of state needs a page: see test/browser/client.test.ts.

const Who = () => useAuth().state.kind;
const rendered = (client: AuthClient) => renderToString(createElement(AuthProvider, { client, children: createElement(Who) }));

describe('useAuth, where a server renders the page', () => {
  it('is unknown, whatever the client knows, so that the first picture in the browser is the same; and nothing is asked', async () => {
    const { auth, api } = scripted();
    expect(rendered(auth)).toBe('unknown');
    await auth.login(credentials);
    expect(auth.state.kind).toBe('signed-in');
    expect(rendered(auth)).toBe('unknown');
    expect(api.operations).toEqual(['Login']);
  });

  it('says what is missing outside of AuthProvider', () => {
    expect(() => renderToString(createElement(Who))).toThrow('useAuth needs an AuthProvider above it');
  });
});
