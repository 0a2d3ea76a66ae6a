import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Device } from './device.js';
import { PageInfo } from './page-info.js';
import { DateTime } from './scalars.js';
import { RevocationReason, SessionState } from './session-enums.js';

registerEnumType(SessionState, {
  name: 'SessionState',
  description: 'Whether a session can still be used.',
  valuesConfig: {
    ACTIVE: { description: 'It can be refreshed, and its access tokens are accepted.' },
    EXPIRED: { description: 'It was not refreshed within its idle limit, or has reached its absolute limit.' },
    REVOKED: { description: 'It was ended before its time; `revocationReason` says why.' },
  },
});
registerEnumType(RevocationReason, {
  name: 'RevocationReason',
  description: 'Why a session was ended before its time.',
  valuesConfig: {
    LOGOUT: { description: 'Its user signed out on that device.' },
    REVOKED_BY_USER: { description: 'Its user ended it from another session, or ended all.' },
    REVOKED_BY_ADMIN: { description: 'An administrator ended it.' },
    TOKEN_REVOKED: { description: 'A client gave one of its tokens back with `revokeToken` (RFC 7009).' },
    PASSWORD_CHANGED: { description: 'The password was changed from another session.' },
    PASSWORD_RESET: { description: 'The password was reset by mail.' },
    EMAIL_CHANGED: { description: 'The email address was changed, or its change reverted.' },
    REUSE_DETECTED: { description: 'A superseded refresh token was presented: two parties held the session.' },
    BINDING_MISMATCH: { description: 'It was refreshed from another address or browser than it is bound to.' },
    ACCOUNT_DISABLED: { description: 'The account was disabled.' },
    ACCOUNT_DELETED: { description: 'The account was deleted.' },
    SESSION_LIMIT: { description: 'A newer sign-in took its place: the user had as many sessions as are allowed.' },
  },
});

@ObjectType({ description: 'Set while an account may not sign in.' })
export class AccountDisabled {
  @Field(() => DateTime, { description: 'When the account was disabled.' })
  at!: Date;
  @Field(() => DateTime, { nullable: true, description: 'When it enables itself again; null: when somebody enables it.' })
  until!: Date | null;
  @Field(() => String, { nullable: true, description: 'The reason given by whoever disabled it.' })
  reason!: string | null;
}

@ObjectType({ description: 'A person who may sign in.' })
export class User {
  @Field(() => ID, { description: 'Opaque, and the `sub` of access tokens.' })
  id!: string;
  @Field(() => String, {
    description: 'Normalized: trimmed, NFC, lower case. For oneself, `users:read` and `sessions:read`; otherwise FORBIDDEN.',
  })
  email!: string;
  @Field(() => Boolean, {
    description: 'Whether the person has shown that the address is theirs. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  emailVerified!: boolean;
  @Field(() => String, {
    nullable: true,
    description:
      'As typed at sign-up; unique without regard to case. Null: none was chosen. For oneself, `users:read` and `sessions:read`; otherwise FORBIDDEN.',
  })
  username!: string | null;
  @Field(() => [String], { description: 'The names of the roles. For oneself and `users:read`; otherwise FORBIDDEN.' })
  roles!: string[];
  @Field(() => [String], {
    description: 'What the roles allow, e.g. `sessions:revoke`. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  permissions!: string[];
  @Field(() => DateTime, { description: 'When the account was made. For oneself and `users:read`; otherwise FORBIDDEN.' })
  createdAt!: Date;
  @Field(() => DateTime, {
    nullable: true,
    description: 'The last sign-in; a refresh is none. Null: never. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  lastLoginAt!: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Null: since sign-up never. For oneself and `users:read`; otherwise FORBIDDEN.' })
  passwordChangedAt!: Date | null;
  // `disabled` and `sessions` are resolved in resolvers/users.ts
}

@ObjectType({ description: 'One sign-in on one device. Its id is public and is never a credential.' })
export class Session {
  @Field(() => ID, { description: 'Opaque, and the `sid` of access tokens.' })
  id!: string;
  accountId!: string;
  // `user` and `isCurrent` are resolved in resolvers/sessions.ts
  @Field(() => SessionState, { description: 'As it is at the instant of the answer.' })
  state!: SessionState;
  @Field(() => DateTime, { description: 'When the person signed in.' })
  createdAt!: Date;
  @Field(() => DateTime, { description: 'The last refresh or, to the minute, the last use.' })
  lastSeenAt!: Date;
  @Field(() => DateTime, { description: 'When it ends if it is not refreshed before (7 days unless set otherwise).' })
  idleExpiresAt!: Date;
  @Field(() => DateTime, { description: 'When it ends however often it is refreshed (90 days unless set otherwise).' })
  expiresAt!: Date;
  @Field(() => String, { nullable: true, description: 'The client address at sign-in; null where it is not known.' })
  ipAddress!: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` at sign-in, at most 512 characters: what the client claims to be.',
  })
  userAgent!: string | null;
  @Field(() => Device, { description: 'What the user agent string tells of the device.' })
  device!: Device;
  @Field(() => Int, { description: 'The generation: 0 at sign-in, one more with each rotation; answers within the grace do not count.' })
  refreshCount!: number;
  @Field(() => DateTime, { nullable: true, description: 'When it was ended before its time; null otherwise.' })
  revokedAt!: Date | null;
  @Field(() => RevocationReason, { nullable: true, description: 'Why it was ended before its time; null otherwise.' })
  revocationReason!: RevocationReason | null;
}

@ObjectType({ description: 'One row of a page of sessions.' })
export class SessionEdge {
  @Field(() => String, { description: 'Opaque; give it as `after` to get the rows that follow.' })
  cursor!: string;
  @Field(() => Session, { description: 'The session.' })
  node!: Session;
}

@ObjectType({ description: 'A page of sessions, newest sign-in first (Relay connection).' })
export class SessionConnection {
  @Field(() => [SessionEdge], { description: 'The rows with their cursors.' })
  edges!: SessionEdge[];
  @Field(() => [Session], { description: 'The rows alone.' })
  nodes!: Session[];
  @Field(() => PageInfo, { description: 'Where this page lies.' })
  pageInfo!: PageInfo;
  // `totalCount` is resolved in resolvers/sessions.ts, so that it is counted only when it is selected
  count!: () => Promise<number>;
}

@ObjectType({ description: "What was ended, at most 100 of them in full, so that a client's cache sees the new state." })
export class RevokedSessions {
  @Field(() => Int, { description: 'How many sessions were ended.' })
  count!: number;
  @Field(() => Boolean, { description: 'True: nothing was ended, this is what would have been.' })
  dryRun!: boolean;
  @Field(() => [Session], { description: 'The newest 100 of them at most.' })
  sessions!: Session[];
}
