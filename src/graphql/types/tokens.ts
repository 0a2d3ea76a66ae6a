import { Field, InputType, ObjectType } from 'type-graphql';
import { Session, User } from './account.js';
import { DateTime } from './scalars.js';

@ObjectType({ description: 'The tokens of a session, from a sign-in or a refresh.' })
export class AuthPayload {
  @Field(() => String, { description: 'A signed JWT (RFC 9068), sent as `Authorization: Bearer ...`.' })
  accessToken!: string;
  @Field(() => DateTime, { description: 'When the access token ends: up to 5 % sooner than its configured lifetime, at random.' })
  accessTokenExpiresAt!: Date;
  @Field(() => String, {
    nullable: true,
    description: 'Opaque; give it to `refreshToken` once. Null in cookie mode, where it travels in an HttpOnly cookie and never in a body.',
  })
  refreshToken!: string | null;
  @Field(() => DateTime, { description: 'When the refresh token ends if it is not used before.' })
  refreshTokenExpiresAt!: Date;
  @Field(() => String, { description: 'Always `Bearer`.' })
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
    description: 'Null when the address must be verified first; then the answer is the same whether or not the address was taken.',
  })
  auth!: AuthPayload | null;
  @Field(() => Boolean, { description: 'Whether the mailed link must be followed before the first sign-in.' })
  emailVerificationRequired!: boolean;
}

@InputType({ description: 'What a new account needs.' })
export class SignupInput {
  @Field(() => String, { description: 'At most 254 characters; trimmed and lower-cased.' })
  email!: string;
  @Field(() => String, {
    description:
      '8 to 256 characters (code points) unless set otherwise; not a common password, not the login itself. Errors: WEAK_PASSWORD.',
  })
  password!: string;
  @Field(() => String, { nullable: true, description: '3 to 32 of `A-Z a-z 0-9 . _ -`; unique without regard to case.' })
  username?: string | null;
}

@InputType({ description: 'How a person proves who they are.' })
export class LoginInput {
  @Field(() => String, { description: 'An email address or a username, in any case.' })
  login!: string;
  @Field(() => String, { description: 'The password.' })
  password!: string;
}
