import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { User } from '../types/account.js';
import { ChangeEmailInput, ChangePasswordInput, ResetPasswordInput } from '../types/credentials.js';
import { AuthPayload } from '../types/tokens.js';
import { isPresentCookie, toAuthPayload, toUser } from './answers.js';

const sameAnswer =
  'True for every address, known or not, and the same for all: what there is to do is done after the answer. Errors: BAD_USER_INPUT (no address), RATE_LIMITED.';
const password = 'INVALID_CREDENTIALS (the password), ACCOUNT_DISABLED (only with the right one)';

/** What changes by which a person gets in. */
@Resolver()
export class CredentialResolver {
  @Mutation(() => AuthPayload, {
    description: `Sets another password, keeps this session and ends all others; mailed links are void from then on. Answers with a new access token, and the session's present refresh token, which is not superseded. Errors: UNAUTHENTICATED, ${password}, WEAK_PASSWORD, RATE_LIMITED.`,
  })
  async changePassword(
    @Ctx() context: GraphQLContext,
    @Arg('input', () => ChangePasswordInput, { description: 'The present password and the new one.' }) input: ChangePasswordInput,
  ): Promise<AuthPayload> {
    const { services, signedIn, request } = context;
    const tokens = await services.passwordChanges.change(signedIn, input, request);
    return toAuthPayload(context, tokens, isPresentCookie(context, tokens));
  }

  @Mutation(() => Boolean, {
    description: `For anyone: mails a link to set a new password, good for 1 hour unless set otherwise, once, and until the sessions are ended. ${sameAnswer}`,
  })
  async requestPasswordReset(
    @Ctx() { services, request }: GraphQLContext,
    @Arg('email', () => String, { description: 'The address of the account.' }) email: string,
  ): Promise<boolean> {
    await services.passwordResets.request(email, request);
    return true;
  }

  @Mutation(() => Boolean, {
    description:
      'For anyone who holds a mailed token: sets the password, verifies the address, ends all sessions, and makes all other mailed links void. The token stays good where the password is refused. Errors: ONE_TIME_TOKEN_INVALID, WEAK_PASSWORD, RATE_LIMITED.',
  })
  async resetPassword(
    @Ctx() { services, request }: GraphQLContext,
    @Arg('input', () => ResetPasswordInput, { description: 'The token and the new password.' }) input: ResetPasswordInput,
  ): Promise<boolean> {
    await services.passwordResets.reset(input, request);
    return true;
  }

  @Mutation(() => Boolean, {
    description: `For anyone: mails a link to verify the address, good for 24 hours unless set otherwise, if there is something to verify. Where several sign-ups wait for the same address nothing is mailed: sign up anew. ${sameAnswer}`,
  })
  async requestEmailVerification(
    @Ctx() { services, request }: GraphQLContext,
    @Arg('email', () => String, { description: 'The address.' }) email: string,
  ): Promise<boolean> {
    await services.emailVerifications.request(email, request);
    return true;
  }

  @Mutation(() => Boolean, {
    description:
      'For anyone who holds a mailed token: verifies the address of an account, completes `changeEmail`, or makes a sign-up that waits an account (without its username, if that was taken meanwhile). Errors: ONE_TIME_TOKEN_INVALID, EMAIL_TAKEN (the new address got an account meanwhile; the token stays good).',
  })
  async verifyEmail(
    @Ctx() { services, request }: GraphQLContext,
    @Arg('token', () => String, { description: 'From the link: what follows `#token=`.' }) token: string,
  ): Promise<boolean> {
    await services.emailVerifications.verify(token, request);
    return true;
  }

  @Mutation(() => Boolean, {
    description: `Asks for another email address: it takes effect when the link that is mailed there is followed, within 24 hours unless set otherwise. The old address is told, and for 7 days can revert it, unless that notice is off. Errors: UNAUTHENTICATED, ${password}, BAD_USER_INPUT, EMAIL_TAKEN (only where addresses need no verification), RATE_LIMITED (5 changes within 7 days, or too many requests for verification from this network).`,
  })
  async changeEmail(
    @Ctx() { services, signedIn, request }: GraphQLContext,
    @Arg('input', () => ChangeEmailInput, { description: 'The new address and the present password.' }) input: ChangeEmailInput,
  ): Promise<boolean> {
    await services.emailChanges.start(signedIn, input, request);
    return true;
  }

  @Mutation(() => Boolean, {
    description:
      'For anyone who holds the token mailed to the old address: brings it back, ends all sessions, removes the password, and mails a link to set another. Errors: ONE_TIME_TOKEN_INVALID, EMAIL_TAKEN (the old address got an account meanwhile; the token stays good).',
  })
  async revertEmailChange(
    @Ctx() { services, request }: GraphQLContext,
    @Arg('token', () => String, { description: 'From the link: what follows `#token=`.' }) token: string,
  ): Promise<boolean> {
    await services.emailChanges.revert(token, request);
    return true;
  }

  @Mutation(() => User, {
    description: 'Sets or replaces the username; nobody is signed out. Errors: UNAUTHENTICATED, BAD_USER_INPUT, USERNAME_TAKEN.',
  })
  async changeUsername(
    @Ctx() context: GraphQLContext,
    @Arg('username', () => String, { description: '3 to 32 of `A-Z a-z 0-9 . _ -`, unique without regard to case.' }) username: string,
  ): Promise<User> {
    const { services, signedIn, request } = context;
    const account = await services.ownAccounts.changeUsername(signedIn, username, request);
    context.remember(account.id, account);
    return toUser(account);
  }

  @Mutation(() => Boolean, {
    description: `Ends all of the caller's sessions and removes the account's personal data, as \`deleteUser\` does; address and username are free again. Errors: UNAUTHENTICATED, ${password}, BAD_USER_INPUT (the last enabled account that can grant roles: LAST_ADMINISTRATOR), RATE_LIMITED.`,
  })
  async deleteAccount(
    @Ctx() context: GraphQLContext,
    @Arg('currentPassword', () => String, { description: 'The present password.' }) currentPassword: string,
  ): Promise<boolean> {
    const { services, signedIn, request } = context;
    await services.ownAccounts.deleteAccount(signedIn, currentPassword, request);
    context.remember(signedIn.accountId, null);
    return true;
  }
}
