import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime } from './scalars.js';

/** Written out like the other enums; `schema.ts` describes it from the table of errors and does not compile when they differ. */
export const AuthErrorCode = {
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  FORBIDDEN: 'FORBIDDEN',
  REAUTHENTICATION_REQUIRED: 'REAUTHENTICATION_REQUIRED',
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  WEAK_PASSWORD: 'WEAK_PASSWORD',
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  USERNAME_TAKEN: 'USERNAME_TAKEN',
  INVALID_CREDENTIALS: 'INVALID_CREDENTIALS',
  EMAIL_NOT_VERIFIED: 'EMAIL_NOT_VERIFIED',
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  RATE_LIMITED: 'RATE_LIMITED',
  REFRESH_TOKEN_INVALID: 'REFRESH_TOKEN_INVALID',
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  SESSION_EXPIRED: 'SESSION_EXPIRED',
  SESSION_REVOKED: 'SESSION_REVOKED',
  ONE_TIME_TOKEN_INVALID: 'ONE_TIME_TOKEN_INVALID',
  NOT_FOUND: 'NOT_FOUND',
  GRAPHQL_PARSE_FAILED: 'GRAPHQL_PARSE_FAILED',
  GRAPHQL_VALIDATION_FAILED: 'GRAPHQL_VALIDATION_FAILED',
  BAD_REQUEST: 'BAD_REQUEST',
  QUERY_TOO_COMPLEX: 'QUERY_TOO_COMPLEX',
  SERVICE_UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  INTERNAL_SERVER_ERROR: 'INTERNAL_SERVER_ERROR',
} as const;
export type AuthErrorCode = keyof typeof AuthErrorCode;

@ObjectType({ description: 'What a client may know of the server before anybody has signed in.' })
export class ServerInfo {
  @Field(() => String, { description: 'The version of Latchkey (semantic versioning).' })
  version!: string;
  @Field(() => DateTime, { description: "The server's clock. Compare instants of this API with it, never with the client's own." })
  serverTime!: Date;
  @Field(() => Boolean, { description: 'Whether `signup` is open; otherwise it answers FORBIDDEN with the reason SIGNUP_CLOSED.' })
  signupEnabled!: boolean;
  @Field(() => Boolean, { description: 'Whether a new address must be verified before the first sign-in.' })
  emailVerificationRequired!: boolean;
  @Field(() => Int, { description: 'The fewest characters (Unicode code points) of a new password: 8 unless set otherwise.' })
  passwordMinLength!: number;
  @Field(() => Int, { description: 'The most characters (Unicode code points) of a new password: 256 unless set otherwise.' })
  passwordMaxLength!: number;
  @Field(() => [AuthErrorCode], { description: 'Every code that an error of this server can carry in `extensions.code`.' })
  errorCodes!: AuthErrorCode[];
}
