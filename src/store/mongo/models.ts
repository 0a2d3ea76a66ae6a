import { type Connection, type Model, Schema } from 'mongoose';
import type {
  AccountDocument,
  AuditDocument,
  KeyDocument,
  MailDocument,
  SessionDocument,
  SignupDocument,
  TallyDocument,
} from './documents.js';

/** Indexes and collections are made by `indexes.ts`, awaited; unknown paths are faults, in filters as in writes. */
const options = {
  autoIndex: false,
  autoCreate: false,
  strict: 'throw',
  strictQuery: 'throw',
  versionKey: false,
  minimize: false,
} as const;

const ending = new Schema({ at: Date, reason: String, by: String }, { ...options, _id: false });
const disabled = new Schema({ at: Date, until: Date, reason: String }, { ...options, _id: false });
const device = new Schema({ label: String, browser: String, os: String, kind: String }, { ...options, _id: false });

const oneTimeToken = new Schema({ hash: String, epoch: Number, expiresAt: Date, email: String }, { ...options, _id: false });

const account = new Schema(
  {
    _id: String,
    email: String,
    emailVerified: Boolean,
    username: String,
    usernameKey: String,
    passwordHash: String,
    roles: [String],
    createdAt: Date,
    lastLoginAt: Date,
    passwordChangedAt: Date,
    disabled,
    sessionEpoch: Number,
    keptSessionId: String,
    sessionsEnded: ending,
    signInCount: Number,
    version: Number,
    rightsVersion: Number,
    changedAt: Date,
    oneTimeTokens: { RESET: [oneTimeToken], VERIFY: [oneTimeToken], CHANGE_EMAIL: [oneTimeToken], REVERT_EMAIL: [oneTimeToken] },
    deletedAt: Date,
    purgeAt: Date,
    unfinishedSince: Date,
  },
  { ...options, collection: 'accounts' },
);

const signup = new Schema(
  {
    _id: String,
    email: String,
    username: String,
    passwordHash: String,
    tokenHash: String,
    createdAt: Date,
    expiresAt: Date,
  },
  { ...options, collection: 'signups' },
);

const session = new Schema(
  {
    _id: String,
    accountId: String,
    epoch: Number,
    ordinal: Number,
    generation: Number,
    confirmedGeneration: Number,
    confirmedAt: Date,
    rotations: [Date],
    attemptId: String,
    createdAt: Date,
    lastSeenAt: Date,
    authenticatedAt: Date,
    idleExpiresAt: Date,
    expiresAt: Date,
    purgeAt: Date,
    ipAddress: String,
    userAgent: String,
    device,
    revoked: ending,
    assertions: Number,
  },
  { ...options, collection: 'sessions' },
);

const key = new Schema(
  {
    _id: String,
    purpose: String,
    sequence: Number,
    algorithm: String,
    wrapped: Schema.Types.Mixed,
    createdAt: Date,
    activatesAt: Date,
    revokedAt: Date,
  },
  { ...options, collection: 'keys' },
);

const audit = new Schema(
  {
    _id: String,
    createdAt: Date,
    type: String,
    actorId: String,
    accountId: String,
    sessionId: String,
    ipAddress: String,
    userAgent: String,
    count: Number,
    detail: Schema.Types.Mixed,
    purgeAt: Date,
  },
  // `type` is the name of a field here, not of a type.
  { ...options, collection: 'auditEvents', typeKey: '$type' },
);

const inFlight = new Schema({ id: String, at: Date }, { ...options, _id: false, id: false });
const knownNetwork = new Schema({ network: String, at: Date }, { ...options, _id: false });

const tally = new Schema(
  {
    _id: String,
    stamp: String,
    since: Date,
    count: Number,
    lastAt: Date,
    inFlight: [inFlight],
    knownNetworks: [knownNetwork],
    purgeAt: Date,
  },
  { ...options, collection: 'tallies' },
);

const mail = new Schema(
  {
    _id: String,
    kind: String,
    sealed: String,
    createdAt: Date,
    dueAt: Date,
    attempts: Number,
    claimId: String,
    purgeAt: Date,
  },
  { ...options, collection: 'mails' },
);

export interface Models {
  readonly accounts: Model<AccountDocument>;
  readonly signups: Model<SignupDocument>;
  readonly sessions: Model<SessionDocument>;
  readonly keys: Model<KeyDocument>;
  readonly audit: Model<AuditDocument>;
  readonly tallies: Model<TallyDocument>;
  readonly mails: Model<MailDocument>;
}

export function modelsOn(connection: Connection): Models {
  return {
    accounts: connection.model<AccountDocument>('Account', account),
    signups: connection.model<SignupDocument>('Signup', signup),
    sessions: connection.model<SessionDocument>('Session', session),
    keys: connection.model<KeyDocument>('Key', key),
    audit: connection.model<AuditDocument>('AuditEvent', audit),
    tallies: connection.model<TallyDocument>('Tally', tally),
    mails: connection.model<MailDocument>('Mail', mail),
  };
}

/**
 * How sure a read must be that it sees the latest acknowledged write. A `linearizable` one waits for a majority, without end unless it
 * carries `maxTimeMS`.
 */
export type ReadConcern = 'local' | 'linearizable';
