import type { GraphQLSchema } from 'graphql';
import type { IRule, IRules } from 'graphql-shield';
import { AuthError } from '../auth/errors.js';
import {
  anyone,
  anyoneWhileAvailable,
  auditReader,
  selfOrEitherReader,
  selfOrSessionsReader,
  selfOrUsersReader,
  sessionsReader,
  sessionsRevoker,
  signedIn,
  usersReader,
  usersWriter,
} from './rules.js';
import { deny, shield } from './shield.js';

/**
 * The one table of rights: every field of every object type has its line, and what has none is refused, as is the start of the
 * server. The object types that only carry an answer (`AuthPayload`, `PageInfo`, ...) are open: what they carry has its own rules.
 */
export const permissions: Readonly<Record<string, Readonly<Record<string, IRule>>>> = {
  Query: {
    serverInfo: anyone,
    me: signedIn,
    sessions: signedIn,
    session: signedIn,
    users: usersReader,
    user: usersReader,
    allSessions: sessionsReader,
    roles: usersReader,
    activity: signedIn,
    auditEvents: auditReader,
    signInStats: auditReader,
  },
  Mutation: {
    signup: anyoneWhileAvailable,
    login: anyoneWhileAvailable,
    refreshToken: anyoneWhileAvailable,
    revokeToken: anyoneWhileAvailable,
    logout: anyoneWhileAvailable,
    reauthenticate: signedIn,
    revokeSession: signedIn,
    revokeOtherSessions: signedIn,
    revokeAllSessions: signedIn,
    revokeSessions: sessionsRevoker,
    createUser: usersWriter,
    setUserRoles: usersWriter,
    disableUser: usersWriter,
    enableUser: usersWriter,
    deleteUser: usersWriter,
  },
  // Asked for each event; at the subscribing, where graphql-shield does not look, `SessionEvents.subscribe` asks the same.
  Subscription: { sessionEvents: signedIn },
  SessionEvent: { type: signedIn, at: signedIn, session: signedIn },
  User: {
    id: signedIn,
    email: selfOrEitherReader,
    emailVerified: selfOrUsersReader,
    username: selfOrEitherReader,
    roles: selfOrUsersReader,
    permissions: selfOrUsersReader,
    createdAt: selfOrUsersReader,
    lastLoginAt: selfOrUsersReader,
    passwordChangedAt: selfOrUsersReader,
    disabled: signedIn,
    sessions: selfOrSessionsReader,
  },
  UserConnection: { edges: signedIn, nodes: signedIn, pageInfo: signedIn, totalCount: signedIn },
  UserEdge: { cursor: signedIn, node: signedIn },
  Role: { name: signedIn, permissions: signedIn },
  AccountDisabled: { at: signedIn, until: signedIn, reason: signedIn },
  Session: {
    id: signedIn,
    user: signedIn,
    state: signedIn,
    isCurrent: signedIn,
    createdAt: signedIn,
    lastSeenAt: signedIn,
    idleExpiresAt: signedIn,
    expiresAt: signedIn,
    ipAddress: signedIn,
    userAgent: signedIn,
    device: signedIn,
    refreshCount: signedIn,
    revokedAt: signedIn,
    revocationReason: signedIn,
  },
  Device: { label: signedIn, browser: signedIn, os: signedIn, kind: signedIn },
  SessionConnection: { edges: signedIn, nodes: signedIn, pageInfo: signedIn, totalCount: signedIn },
  SessionEdge: { cursor: signedIn, node: signedIn },
  RevokedSessions: { count: signedIn, dryRun: signedIn, sessions: signedIn },
  AuditEvent: {
    id: signedIn,
    at: signedIn,
    type: signedIn,
    actor: signedIn,
    user: signedIn,
    sessionId: signedIn,
    ipAddress: signedIn,
    userAgent: signedIn,
    count: signedIn,
    summary: signedIn,
  },
  AuditEventConnection: { edges: signedIn, nodes: signedIn, pageInfo: signedIn },
  AuditEventEdge: { cursor: signedIn, node: signedIn },
  SignInStats: { from: auditReader, to: auditReader, succeeded: auditReader, failed: auditReader, throttled: auditReader },
  PageInfo: { hasNextPage: anyone, hasPreviousPage: anyone, startCursor: anyone, endCursor: anyone },
  AuthPayload: {
    accessToken: anyone,
    accessTokenExpiresAt: anyone,
    refreshToken: anyone,
    refreshTokenExpiresAt: anyone,
    tokenType: anyone,
    serverTime: anyone,
    user: anyone,
    session: anyone,
  },
  SignupPayload: { auth: anyone, emailVerificationRequired: anyone },
  ServerInfo: {
    version: anyone,
    serverTime: anyone,
    signupEnabled: anyone,
    emailVerificationRequired: anyone,
    passwordMinLength: anyone,
    passwordMaxLength: anyone,
    errorCodes: anyone,
  },
};

/**
 * The table as middleware for this schema. A rule that throws refuses (`fallbackError`); resolvers' own errors pass through to the
 * translator. It is generated here, since `applyMiddleware` takes for a generator only what its own build of graphql-middleware made.
 */
export const createPermissions = (schema: GraphQLSchema) =>
  shield(permissions as IRules, {
    fallbackRule: deny,
    fallbackError: () => new AuthError('FORBIDDEN'),
    allowExternalErrors: true,
    debug: false,
  }).generate(schema);
