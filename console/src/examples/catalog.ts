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

/** What the page can fill in. */
export interface Known {
  readonly login: string;
  readonly password: string;
  /** Of a session other than the one whose token is sent. */
  readonly otherSessionId: string | null;
  /** Of the session whose token is sent; null where the page does not have it. */
  readonly refreshToken: string | null;
}

export interface Example {
  readonly title: string;
  /** What the operation does: the comment that the file begins with. */
  readonly about: string;
  /** The operation without that comment. */
  readonly query: string;
  readonly operationName: string;
  /** Null where the operation has none. */
  readonly variables: ((known: Known) => Readonly<Record<string, unknown>>) | null;
}

/** The account that "Sign up" makes. */
export const newcomer = { email: 'ada@example.com', password: 'correct horse battery' } as const;

function example(title: string, text: string, variables: Example['variables'] = null): Example {
  const comment = /^(?:#.*\n)*/.exec(text)?.[0] ?? '';
  const query = text.slice(comment.length);
  const about = comment.replaceAll(/^# ?/gm, '').replaceAll('\n', ' ').trim();
  return { title, about, query, operationName: /^\w+ (\w+)/.exec(query)?.[1] ?? '', variables };
}

/** With what holds on one page alone. */
export const noted = (one: Example, note: string): Example => ({ ...one, about: `${one.about} ${note}` });

export const examples = {
  signUp: example('Sign up', signUp, () => ({ input: newcomer })),
  whoAmI: example('Who am I?', whoAmI),
  signIn: example('Sign in from a second device', signIn, ({ login, password }) => ({ input: { login, password } })),
  mySessions: example('My sessions', mySessions, () => ({ state: 'ACTIVE' })),
  endSession: example('End the other session', endSession, ({ otherSessionId }) => ({
    id: otherSessionId ?? 'the id of a session, from MySessions',
  })),
  askWithEndedSession: example('Ask with the ended session', askWithEndedSession),
  refreshTokens: example('Refresh the tokens', refreshTokens, ({ refreshToken }) => ({
    token: refreshToken ?? 'a refresh token, from SignUp or SignIn',
  })),
  endOtherSessions: example('End all other sessions', endOtherSessions),
  signOut: example('Sign out', signOut),
  serverInfo: example('What the server tells', serverInfo),
  errorCodes: example('All error codes', errorCodes),
} as const;

/** The examples of one page, as its menu shows them. */
export interface ExampleSet {
  readonly lead: string;
  /** One after the other. */
  readonly tour: readonly [Example, ...Example[]];
  readonly more: readonly Example[];
}
