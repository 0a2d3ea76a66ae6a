import type { HeldSession } from '../sandbox/held-sessions.js';
import askWithEndedSession from './ask-with-ended-session.graphql?raw';
import endOtherSessions from './end-other-sessions.graphql?raw';
import endSession from './end-session.graphql?raw';
import errorCodes from './error-codes.graphql?raw';
import mySessions from './my-sessions.graphql?raw';
import refreshTokens from './refresh-tokens.graphql?raw';
import serverInfo from './server-info.graphql?raw';
import signIn from './sign-in.graphql?raw';
import signOut from './sign-out.graphql?raw';
import signUp from './sign-up.graphql?raw';
import whoAmI from './who-am-i.graphql?raw';

/** What the sandbox can fill in: the session it speaks for, and another one that it holds. */
export interface Known {
  readonly current: HeldSession | null;
  readonly other: HeldSession | null;
}

export interface Example {
  readonly title: string;
  /** The comment that the file begins with: what the operation does. */
  readonly about: string;
  /** The operation without that comment. */
  readonly query: string;
  readonly operationName: string;
  /** Null where the operation has none. */
  readonly variables: ((known: Known) => Readonly<Record<string, unknown>>) | null;
}

const email = 'ada@example.com';
const password = 'correct horse battery';

function example(title: string, text: string, variables: Example['variables'] = null): Example {
  const comment = /^(?:#.*\n)*/.exec(text)?.[0] ?? '';
  const query = text.slice(comment.length);
  const about = comment.replaceAll(/^# ?/gm, '').replaceAll('\n', ' ').trim();
  return { title, about, query, operationName: /^\w+ (\w+)/.exec(query)?.[1] ?? '', variables };
}

/** From an empty server to an ended session, in this order. */
export const tour: readonly [Example, ...Example[]] = [
  example('Sign up', signUp, () => ({ input: { email, password } })),
  example('Who am I?', whoAmI),
  example('Sign in from a second device', signIn, () => ({ input: { login: email, password } })),
  example('My sessions', mySessions, () => ({ state: 'ACTIVE' })),
  example('End the other session', endSession, ({ other }) => ({ id: other?.id ?? 'the id of a session, from MySessions' })),
  example('Ask with the ended session', askWithEndedSession),
];

export const more: readonly Example[] = [
  example('Refresh the tokens', refreshTokens, ({ current }) => ({
    token: current?.refreshToken ?? 'a refresh token, from SignUp or SignIn',
  })),
  example('End all other sessions', endOtherSessions),
  example('Sign out', signOut),
  example('What the server tells', serverInfo),
  example('All error codes', errorCodes),
];
