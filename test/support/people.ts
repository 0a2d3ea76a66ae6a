import { loginMutation, post, signupMutation } from './requests.js';
import { goodPassword } from './server.js';

/** Somebody who has signed up, with the tokens of one session. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly sessionId: string;
  readonly token: string;
  readonly refreshToken: string;
}

let people = 0;

/** Signs somebody up who is like nobody else in the file. */
export async function aPerson(url: string, headers: Record<string, string> = {}): Promise<Person> {
  people += 1;
  const username = `Person${people}-${process.pid}`;
  const email = `${username.toLowerCase()}@example.com`;
  const { data, errors } = await post(url, signupMutation, { input: { email, username, password: goodPassword } }, { headers });
  if (errors.length > 0) throw new Error(`the sign-up was refused: ${JSON.stringify(errors)}`);
  const { user, session, accessToken, refreshToken } = data.signup.auth;
  return { id: user.id, email, username, sessionId: session.id, token: accessToken, refreshToken };
}

export const signIn = (url: string, { email }: Pick<Person, 'email'>, headers: Record<string, string> = {}) =>
  post(url, loginMutation, { input: { login: email, password: goodPassword } }, { headers });
