import { Field, InputType, ObjectType } from 'type-graphql';
import { Session, User } from './account.js';
import { DateTime } from './scalars.js';

@ObjectType({
  description:
    'The tokens of a session, from a sign-in or a refresh. Keep both: the access token for each request, the refresh token for the next refresh.',
})
export class AuthPayload {
  @Field(() => String, {
    description:
      'Send it with each request, as the header `Authorization: Bearer ...`. A signed JWT (RFC 9068), which other services can verify.',
  })
  accessToken!: string;
  @Field(() => DateTime, {
    description: 'When the access token ends: 1 hour from now unless set otherwise, up to 5 % sooner at random. Refresh shortly before.',
  })
  accessTokenExpiresAt!: Date;
  @Field(() => String, {
    nullable: true,
    description: 'Opaque; give it to `refreshToken` once. Null in cookie mode, where it travels in an HttpOnly cookie and never in a body.',
  })
  refreshToken!: string | null;
  @Field(() => DateTime, {
    description:
      'When the refresh token ends if it is not used before: 7 days from now unless set otherwise, never after the session does.',
  })
  refreshTokenExpiresAt!: Date;
  @Field(() => String, { description: 'Always `Bearer` (RFC 6750).' })
  tokenType!: string;
  @Field(() => DateTime, { description: "The server's clock, so that a client never has to trust its own." })
  serverTime!: Date;
  @Field(() => User, { description: 'Who is signed in.' })
  user!: User;
  @Field(() => Session, { description: 'The session that these tokens belong to.' })
  session!: Session;
}

@ObjectType({ description: 'The answer to a sign-up.' })
export class SignupPayload {
  @Field(() => AuthPayload, {
    nullable: true,
    description:
      'The tokens: the new account is signed in at once. Null when the address must be verified first; then the answer is the same whether or not the address was taken.',
  })
  auth!: AuthPayload | null;
  @Field(() => Boolean, { description: 'Whether the mailed link must be followed before the first sign-in.' })
  emailVerificationRequired!: boolean;
}

@InputType({ description: 'What a new account needs: address and password, and a username if the person wants one.' })
export class SignupInput {
  @Field(() => String, {
    description: 'The email address, at most 254 characters; trimmed and lower-cased. Errors: BAD_USER_INPUT, EMAIL_TAKEN.',
  })
  email!: string;
  @Field(() => String, {
    description:
      '8 to 256 characters (code points) unless set otherwise; not a common password, not the email address or username. Errors: WEAK_PASSWORD.',
  })
  password!: string;
  @Field(() => String, {
    nullable: true,
    description:
      'For signing in instead of the address: 3 to 32 of `A-Z a-z 0-9 . _ -`, unique without regard to case. Errors: BAD_USER_INPUT, USERNAME_TAKEN.',
  })
  username?: string | null;
}

@InputType({ description: 'How a person proves who they are.' })
export class LoginInput {
  @Field(() => String, { description: 'An email address or a username, in any case.' })
  login!: string;
  @Field(() => String, { description: 'The password.' })
  password!: string;
}
