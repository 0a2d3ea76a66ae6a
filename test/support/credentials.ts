import { type GraphQLAnswer, post } from './requests.js';

const call =
  (document: string, names: readonly string[]) =>
  (url: string, values: readonly unknown[], token?: string): Promise<GraphQLAnswer> =>
    post(url, document, Object.fromEntries(names.map((name, index) => [name, values[index]])), { token });

/** The mutations on passwords and addresses, by their arguments in order. */
export const credentialCalls = {
  changePassword: call(
    'mutation ($a: String!, $b: String!) { changePassword(input: { currentPassword: $a, newPassword: $b }) { accessToken refreshToken session { id isCurrent } user { id email } } }',
    ['a', 'b'],
  ),
  requestPasswordReset: call('mutation ($a: String!) { requestPasswordReset(email: $a) }', ['a']),
  resetPassword: call('mutation ($a: String!, $b: String!) { resetPassword(input: { token: $a, newPassword: $b }) }', ['a', 'b']),
  requestEmailVerification: call('mutation ($a: String!) { requestEmailVerification(email: $a) }', ['a']),
  verifyEmail: call('mutation ($a: String!) { verifyEmail(token: $a) }', ['a']),
  changeEmail: call('mutation ($a: String!, $b: String!) { changeEmail(input: { email: $a, currentPassword: $b }) }', ['a', 'b']),
  revertEmailChange: call('mutation ($a: String!) { revertEmailChange(token: $a) }', ['a']),
  changeUsername: call('mutation ($a: String!) { changeUsername(username: $a) { username } }', ['a']),
  deleteAccount: call('mutation ($a: String!) { deleteAccount(currentPassword: $a) }', ['a']),
  sendPasswordReset: call('mutation ($a: ID!) { sendPasswordReset(userId: $a) }', ['a']),
};
