import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Device } from './device.js';
import { PageInfo } from './page-info.js';
import { DateTime } from './scalars.js';
import { RevocationReason, SessionState } from './session-enums.js';

registerEnumType(SessionState, {
  name: 'SessionState',
  description: 'Whether a session can still be used. Only ACTIVE ones are listed unless asked otherwise.',
  valuesConfig: {
    ACTIVE: { description: 'Its refresh token gives new tokens, and its access tokens are accepted.' },
    EXPIRED: {
      description: 'It was not refreshed within its idle limit (`idleExpiresAt`), or has reached its absolute limit (`expiresAt`).',
    },
    REVOKED: {
      description:
        'It was ended before its time: `revocationReason` says why, `revokedAt` when. Its tokens are refused from the next request on.',
    },
  },
});
registerEnumType(RevocationReason, {
  name: 'RevocationReason',
  description: 'Why a session was ended before its time. Also the `reason` of the error SESSION_REVOKED.',
  valuesConfig: {
    LOGOUT: { description: 'Its user signed out on that device (`logout`).' },
    REVOKED_BY_USER: { description: 'Its user ended it by `revokeSession`, `revokeOtherSessions` or `revokeAllSessions`.' },
    REVOKED_BY_ADMIN: { description: 'Somebody with the permission `sessions:revoke` ended it.' },
    TOKEN_REVOKED: { description: 'A client gave one of its tokens back with `revokeToken` (RFC 7009).' },
    PASSWORD_CHANGED: { description: 'The password was changed from another session.' },
    PASSWORD_RESET: { description: 'The password was reset by mail.' },
    EMAIL_CHANGED: { description: 'The email address was changed, or its change reverted.' },
    REUSE_DETECTED: {
      description: 'A superseded refresh token was presented after its grace: two parties held the session, and it ended for both.',
    },
    BINDING_MISMATCH: {
      description: 'It was refreshed from another address or user agent than that of its sign-in (only where the server binds sessions).',
    },
    ACCOUNT_DISABLED: { description: 'The account was disabled.' },
    ACCOUNT_DELETED: { description: 'The account was deleted.' },
    SESSION_LIMIT: {
      description: 'A newer sign-in took its place: the user had as many sessions as the server allows (unlimited unless set otherwise).',
    },
  },
});

@ObjectType({ description: 'Set while an account may not sign in.' })
export class AccountDisabled {
  @Field(() => DateTime, { description: 'When the account was disabled.' })
  at!: Date;
  @Field(() => DateTime, {
    nullable: true,
    description: 'When the account is enabled again by itself; null: only when somebody enables it.',
  })
  until!: Date | null;
  @Field(() => String, { nullable: true, description: 'What whoever disabled it gave as the reason; null: nothing.' })
  reason!: string | null;
}

@ObjectType({ description: 'The account of a person who may sign in.' })
export class User {
  @Field(() => ID, { description: 'Opaque; never changes. The `sub` of access tokens.' })
  id!: string;
  @Field(() => String, {
    description:
      'The email address, normalized: trimmed, Unicode NFC, lower case. Unique. For oneself, `users:read` and `sessions:read`; otherwise FORBIDDEN.',
  })
  email!: string;
  @Field(() => Boolean, {
    description: 'Whether the person has shown that the address is theirs. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  emailVerified!: boolean;
  @Field(() => String, {
    nullable: true,
    description:
      'The username, as typed at sign-up; unique without regard to case. Null: none was chosen. For oneself, `users:read` and `sessions:read`; otherwise FORBIDDEN.',
  })
  username!: string | null;
  @Field(() => [String], {
    description: 'The names of the roles: `user`, `support`, `admin`. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  roles!: string[];
  @Field(() => [String], {
    description:
      'What the roles allow: `users:read`, `users:write`, `sessions:read`, `sessions:revoke`, `audit:read`; none for `user`. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  permissions!: string[];
  @Field(() => DateTime, { description: 'When the account was made. For oneself and `users:read`; otherwise FORBIDDEN.' })
  createdAt!: Date;
  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the person last signed in; a refresh does not count. Null: never. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  lastLoginAt!: Date | null;
  @Field(() => DateTime, {
    nullable: true,
    description: 'When the password was last changed. Null: never since sign-up. For oneself and `users:read`; otherwise FORBIDDEN.',
  })
  passwordChangedAt!: Date | null;
  // `disabled` and `sessions` are resolved in resolvers/users.ts
}

@ObjectType({
  description: 'One sign-in on one device: it lasts from there until it expires or is ended. Its id is public and is never a credential.',
})
export class Session {
  @Field(() => ID, { description: 'Opaque; never changes. The `sid` of access tokens, and what `revokeSession` takes.' })
  id!: string;
  accountId!: string;
  // `user` and `isCurrent` are resolved in resolvers/sessions.ts
  @Field(() => SessionState, { description: 'As it is at the instant of the answer.' })
  state!: SessionState;
  @Field(() => DateTime, { description: 'When the person signed in.' })
  createdAt!: Date;
  @Field(() => DateTime, {
    description: 'When the session was last refreshed or its access token last used; uses are noted to the minute.',
  })
  lastSeenAt!: Date;
  @Field(() => DateTime, { description: 'When it ends if it is not refreshed before (7 days unless set otherwise).' })
  idleExpiresAt!: Date;
  @Field(() => DateTime, { description: 'When it ends however often it is refreshed (90 days unless set otherwise).' })
  expiresAt!: Date;
  @Field(() => String, {
    nullable: true,
    description: 'The IP address of the client at sign-in, IPv4 or IPv6; null where it is not known.',
  })
  ipAddress!: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` at sign-in, at most 512 characters: what the client claims to be.',
  })
  userAgent!: string | null;
  @Field(() => Device, { description: 'What the user agent string tells of the device.' })
  device!: Device;
  @Field(() => Int, {
    description: 'How often the refresh token was rotated: 0 at sign-in. An answer repeated within the grace does not count.',
  })
  refreshCount!: number;
  @Field(() => DateTime, { nullable: true, description: 'When it was ended before its time; null otherwise.' })
  revokedAt!: Date | null;
  @Field(() => RevocationReason, { nullable: true, description: 'Why it was ended before its time; null otherwise.' })
  revocationReason!: RevocationReason | null;
}

@ObjectType({ description: 'One row of a page of sessions.' })
export class SessionEdge {
  @Field(() => String, { description: 'The place of this row; give it as `after` to get the rows that follow. Opaque.' })
  cursor!: string;
  @Field(() => Session, { description: 'The session.' })
  node!: Session;
}

@ObjectType({
  description:
    'A page of sessions, newest sign-in first, as a Relay connection: select `nodes`, or `edges` where cursors of single rows matter.',
})
export class SessionConnection {
  @Field(() => [SessionEdge], { description: 'The rows with their cursors.' })
  edges!: SessionEdge[];
  @Field(() => [Session], { description: 'The rows without their cursors.' })
  nodes!: Session[];
  @Field(() => PageInfo, { description: 'Whether more rows follow, and the cursor to ask for them with.' })
  pageInfo!: PageInfo;
  // `totalCount` is resolved in resolvers/sessions.ts, so that it is counted only when it is selected
  count!: () => Promise<number>;
}

@ObjectType({ description: "What was ended, at most 100 of them in full, so that a client's cache sees the new state." })
export class RevokedSessions {
  @Field(() => Int, { description: 'How many sessions were ended; those that had ended before do not count.' })
  count!: number;
  @Field(() => Boolean, { description: 'True: nothing was ended, this is what would have been.' })
  dryRun!: boolean;
  @Field(() => [Session], { description: 'The newest 100 of them at most.' })
  sessions!: Session[];
}
