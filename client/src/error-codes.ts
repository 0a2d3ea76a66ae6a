/** Why a session was ended before its time, as the server says it. */
export const revocationReasons = [
  'LOGOUT',
  'REVOKED_BY_USER',
  'REVOKED_BY_ADMIN',
  'TOKEN_REVOKED',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET',
  'EMAIL_CHANGED',
  'REUSE_DETECTED',
  'BINDING_MISMATCH',
  'ACCOUNT_DISABLED',
  'ACCOUNT_DELETED',
  'SESSION_LIMIT',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

/** Every code that an error of the server can carry, with the values that its `reason` can have there. */
export const authErrorReasons = {
  UNAUTHENTICATED: ['NO_TOKEN', 'EXPIRED', 'INVALID', 'REVOKED'],
  FORBIDDEN: ['SIGNUP_CLOSED', 'ORIGIN_NOT_ALLOWED'],
  REAUTHENTICATION_REQUIRED: [],
  BAD_USER_INPUT: ['INVALID', 'OUT_OF_RANGE', 'UNKNOWN_ROLE', 'TOKEN_GIVEN_TWICE', 'LAST_ADMINISTRATOR'],
  WEAK_PASSWORD: ['TOO_SHORT', 'TOO_LONG', 'COMMON', 'SAME_AS_LOGIN'],
  EMAIL_TAKEN: [],
  USERNAME_TAKEN: [],
  INVALID_CREDENTIALS: [],
  EMAIL_NOT_VERIFIED: [],
  ACCOUNT_DISABLED: [],
  RATE_LIMITED: [],
  REFRESH_TOKEN_INVALID: [],
  REFRESH_TOKEN_REUSED: ['REUSE_DETECTED'],
  SESSION_EXPIRED: ['IDLE', 'ABSOLUTE'],
  SESSION_REVOKED: revocationReasons,
  ONE_TIME_TOKEN_INVALID: [],
  NOT_FOUND: [],
  GRAPHQL_PARSE_FAILED: [],
  GRAPHQL_VALIDATION_FAILED: [],
  BAD_REQUEST: [
    'MALFORMED_BODY',
    'BODY_TOO_LARGE',
    'CONTENT_TYPE',
    'METHOD',
    'BATCH',
    'UNKNOWN_OPERATION',
    'MUTATION_BY_GET',
    'TRANSPORT',
    'HEADERS',
    'SUBSCRIPTION_BY_HTTP',
    'SUBSCRIPTIONS_ONLY',
  ],
  QUERY_TOO_COMPLEX: ['TOKENS', 'DEPTH', 'ALIASES', 'DIRECTIVES', 'FRAGMENTS', 'ROWS', 'CREDENTIAL_MUTATIONS'],
  SERVICE_UNAVAILABLE: [],
  INTERNAL_SERVER_ERROR: [],
} as const;

export type AuthErrorCode = keyof typeof authErrorReasons;
/** The values of `reason` with a code; never where the code has none. */
export type AuthErrorReason<Code extends AuthErrorCode> = (typeof authErrorReasons)[Code][number];
