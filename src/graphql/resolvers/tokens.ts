import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { AuthPayload, LoginInput, SignupInput, SignupPayload } from '../types/tokens.js';
import { isPresentCookie, toAuthPayload } from './answers.js';

@Resolver()
export class TokenResolver {
  @Mutation(() => SignupPayload, {
    description:
      'For anyone: makes an account with the role `user` and signs it in. Where addresses must be verified (`ServerInfo.emailVerificationRequired`) it mails a link instead, and the answer is the same whether or not the address has an account. Errors: FORBIDDEN (sign-up closed), BAD_USER_INPUT, WEAK_PASSWORD, EMAIL_TAKEN (only where addresses need no verification), USERNAME_TAKEN, RATE_LIMITED.',
  })
  async signup(
    @Ctx() context: GraphQLContext,
    @Arg('input', () => SignupInput, { description: 'The address, the password and, if wanted, the username of the new account.' })
    input: SignupInput,
  ): Promise<SignupPayload> {
    const tokens = await context.services.signIns.signUp(input, context.request);
    return { auth: tokens && toAuthPayload(context, tokens), emailVerificationRequired: tokens === null };
  }

  @Mutation(() => AuthPayload, {
    description:
      'For anyone: signs in, which begins a session. An unknown login answers like a wrong password. Errors: INVALID_CREDENTIALS, ACCOUNT_DISABLED and, where addresses must be verified, EMAIL_NOT_VERIFIED (only with the right password), RATE_LIMITED, SESSION_REVOKED (pushed out at once by newer sign-ins, where sessions are limited).',
  })
  async login(
    @Ctx() context: GraphQLContext,
    @Arg('input', () => LoginInput, { description: 'Email address or username, and the password.' }) input: LoginInput,
  ): Promise<AuthPayload> {
    return toAuthPayload(context, await context.services.signIns.signIn(input, context.request));
  }

  @Mutation(() => AuthPayload, {
    description:
      'For anyone who holds the refresh token: new tokens, the old refresh token being superseded. Asking again after a lost reply gives the same successor. Errors: REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED, SESSION_EXPIRED, SESSION_REVOKED, ACCOUNT_DISABLED, RATE_LIMITED, BAD_USER_INPUT (argument and cookie together).',
  })
  async refreshToken(
    @Ctx() context: GraphQLContext,
    @Arg('token', () => String, { nullable: true, description: 'The refresh token; in cookie mode nothing, the cookie has it.' }) token:
      | string
      | null
      | undefined,
  ): Promise<AuthPayload> {
    const { services, request, transport } = context;
    return toAuthPayload(context, await services.refreshes.refresh(token ?? null, request, transport));
  }

  @Mutation(() => AuthPayload, {
    description:
      'A fresh proof of the password for the same session, for acts that ask REAUTHENTICATION_REQUIRED: a new access token, and the present refresh token, which is not superseded. Errors: UNAUTHENTICATED, INVALID_CREDENTIALS, ACCOUNT_DISABLED (only with the right password), RATE_LIMITED.',
  })
  async reauthenticate(
    @Ctx() context: GraphQLContext,
    @Arg('password', () => String, { description: "The signed-in user's password." }) password: string,
  ): Promise<AuthPayload> {
    const { services, signedIn, request } = context;
    const tokens = await services.reauthentications.reauthenticate(signedIn, password, request);
    return toAuthPayload(context, tokens, isPresentCookie(context, tokens));
  }

  @Mutation(() => Boolean, {
    description:
      'For anyone who holds a token: ends the session of any authentic refresh or access token, superseded and expired ones too. True also when there is nothing to end (RFC 7009). Clears the cookie if it names that session.',
  })
  async revokeToken(
    @Ctx() { services, request, transport }: GraphQLContext,
    @Arg('token', () => String, { nullable: true, description: 'A refresh or access token; in cookie mode nothing, the cookie has it.' })
    token: string | null | undefined,
  ): Promise<boolean> {
    await services.logouts.revokeToken(token ?? null, request, transport);
    return true;
  }

  @Mutation(() => Boolean, {
    description:
      'For anyone: ends the session of the access token or, in cookie mode, of the cookie, and clears the cookie. True when there is neither.',
  })
  async logout(@Ctx() { services, request, transport }: GraphQLContext): Promise<boolean> {
    await services.logouts.logOut(request, transport);
    return true;
  }
}
