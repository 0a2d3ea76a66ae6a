import type { Model, QueryFilter, UpdateQuery } from 'mongoose';
import { type AccountStanding, DuplicateError, StoreUnavailableError } from '../port.js';
import type { AccountQuery, EmailChange, SessionsEnding, SpentToken } from '../queries.js';
import type {
  AccountDisabledRecord,
  AccountRecord,
  DeletionRecord,
  Ending,
  EpochMs,
  OneTimePurpose,
  OneTimeTokenRecord,
} from '../records.js';
import {
  type AccountDocument,
  accountDocument,
  disabledDocument,
  endingDocument,
  toAccount,
  toEnding,
  tokenDocument,
  tokensDocument,
  toStanding,
  usernameKey,
} from './documents.js';
import { duplicateKey, type TimeLimits } from './guard.js';
import type { ReadConcern } from './models.js';
import { accountSearch, type Run, SearchReads } from './searches.js';
import { within } from './session-filters.js';

/** So many one-time tokens of one purpose an account has at most. */
const tokensOfAPurpose = 5;
/** What a raised epoch makes void. */
const noVoidTokens = { 'oneTimeTokens.RESET': [], 'oneTimeTokens.VERIFY': [], 'oneTimeTokens.CHANGE_EMAIL': [] };

/** An account that was read at this version, with this token. */
const hasToken = (purpose: OneTimePurpose, { hash, expectedVersion }: SpentToken): QueryFilter<AccountDocument> => ({
  version: expectedVersion,
  [`oneTimeTokens.${purpose}.hash`]: hash,
});

interface End {
  readonly ending: Ending;
  readonly kept: SessionsEnding['kept'];
  readonly where: QueryFilter<AccountDocument>;
  readonly set: UpdateQuery<AccountDocument>;
  readonly raise?: { readonly rightsVersion: 1 };
  /** The one-time tokens that are left, where it is not just those that a raised epoch does not make void. */
  readonly tokens?: readonly OneTimeTokenRecord[];
}

interface SignInTurn {
  readonly at: EpochMs;
  readonly resolve: (number: number | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The verbs on accounts, each one update of one document. `updateOne` and a read afterwards instead of `findOneAndUpdate`: the
 * test server scans for the latter, and none of these verbs needs the record of exactly that instant.
 */
export class Accounts {
  /** By account, while numbers are taken: the sign-ins of this process that wait for theirs. */
  private readonly signIns = new Map<string, SignInTurn[]>();

  constructor(
    private readonly model: Model<AccountDocument>,
    private readonly limits: TimeLimits,
  ) {}

  async create(account: AccountRecord): Promise<void> {
    try {
      await this.model.create([accountDocument(account)]);
    } catch (error) {
      const fields = duplicateKey(error);
      if (fields === null) throw error;
      if (await this.isRepeat(account)) return;
      throw new DuplicateError(fields.includes('usernameKey') ? 'username' : 'email');
    }
  }

  find(id: string, concern: ReadConcern = 'local'): Promise<AccountRecord | null> {
    return this.findOne({ _id: id }, concern);
  }

  findByEmail(email: string): Promise<AccountRecord | null> {
    return this.findOne({ email });
  }

  findByUsername(username: string): Promise<AccountRecord | null> {
    return this.findOne({ usernameKey: usernameKey(username) });
  }

  async findMany(ids: readonly string[]): Promise<AccountRecord[]> {
    const documents = await this.model.find({ _id: within({ $in: [...ids] }), deletedAt: null }).lean<AccountDocument[]>();
    return documents.map(toAccount);
  }

  search(query: AccountQuery, run: Run): SearchReads<AccountDocument, AccountRecord> {
    return new SearchReads(this.model, run, accountSearch(query), toAccount);
  }

  recordSignIn(id: string, at: EpochMs): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const waiting = this.signIns.get(id);
      const mine = { at, resolve, reject };
      if (waiting !== undefined) waiting.push(mine);
      else void this.takeTurns(id, [mine]);
    });
  }

  async rehashPassword(id: string, expected: string, hash: string): Promise<boolean> {
    return this.update({ _id: id, passwordHash: expected }, { $set: { passwordHash: hash } });
  }

  changePassword(id: string, expected: string, hash: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.end(id, {
      ending,
      kept: ending.kept,
      where: { passwordHash: expected },
      set: { passwordHash: hash, passwordChangedAt: new Date(ending.at) },
    });
  }

  endSessions(id: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.end(id, { ending, kept: ending.kept, where: {}, set: {} });
  }

  disable(id: string, disabled: AccountDisabledRecord, ending: Ending, expected: number | null): Promise<AccountRecord | null> {
    const where = expected === null ? {} : { rightsVersion: expected };
    return this.end(id, { ending, kept: null, where, set: { disabled: disabledDocument(disabled) }, raise: { rightsVersion: 1 } });
  }

  async enable(id: string, expectedRights: number, at: EpochMs): Promise<AccountRecord | null> {
    const change = { $set: { disabled: null, changedAt: new Date(at) }, $inc: { version: 1, rightsVersion: 1 } };
    return (await this.update({ _id: id, rightsVersion: expectedRights }, change)) ? this.find(id) : null;
  }

  /** The document stays for the feed and for lists of sessions, under an address that nobody can have. Null when nothing was changed. */
  async delete(id: string, expectedRights: number, ending: Ending, expectedEpoch: number | null): Promise<AccountStanding | null> {
    const at = new Date(ending.at);
    const within = expectedEpoch === null ? {} : { sessionEpoch: expectedEpoch };
    const change = {
      $set: {
        email: `deleted ${id}`,
        emailVerified: false,
        username: null,
        usernameKey: null,
        passwordHash: null,
        roles: [],
        lastLoginAt: null,
        passwordChangedAt: null,
        disabled: null,
        keptSessionId: null,
        signInCount: 0,
        oneTimeTokens: tokensDocument([]),
        sessionsEnded: endingDocument(ending),
        changedAt: at,
        deletedAt: at,
        unfinishedSince: at,
      },
      $inc: { sessionEpoch: 1, version: 1, rightsVersion: 1 },
    };
    if (!(await this.update({ _id: id, rightsVersion: expectedRights, ...within }, change))) return null;
    const document = await this.model.findById(id).maxTimeMS(this.limits.wait).lean<AccountDocument>();
    return document && toStanding(document);
  }

  async deletions(before: EpochMs, limit: number): Promise<DeletionRecord[]> {
    const documents = await this.model
      .find({ unfinishedSince: within({ $gt: new Date(0), $lt: new Date(before) }) })
      .limit(limit)
      .lean<AccountDocument[]>();
    return documents.flatMap(({ _id: accountId, sessionsEnded }) => {
      const ending = toEnding(sessionsEnded);
      return ending === null ? [] : [{ accountId, ending }];
    });
  }

  async finishDeletion(id: string, purgeAt: EpochMs): Promise<void> {
    const unfinished = { _id: id, unfinishedSince: within({ $gt: new Date(0) }) };
    await this.model.updateOne(unfinished, { $set: { unfinishedSince: null, purgeAt: new Date(purgeAt) } });
  }

  async purge(now: EpochMs, limit: number): Promise<number> {
    const due = { purgeAt: within({ $lte: new Date(now) }) };
    const documents = await this.model.find(due, { _id: 1 }).limit(limit).lean<Pick<AccountDocument, '_id'>[]>();
    return (await this.model.deleteMany({ _id: within({ $in: documents.map(({ _id }) => _id) }), ...due })).deletedCount;
  }

  async setRoles(id: string, expectedRights: number, roles: readonly string[], at: EpochMs): Promise<AccountRecord | null> {
    const change = { $set: { roles: [...roles], changedAt: new Date(at) }, $inc: { version: 1, rightsVersion: 1 } };
    return (await this.update({ _id: id, rightsVersion: expectedRights }, change)) ? this.find(id) : null;
  }

  async setUsername(id: string, username: string): Promise<AccountRecord | null> {
    const change = { $set: { username, usernameKey: usernameKey(username) } };
    return (await this.unique(() => this.update({ _id: id }, change))) ? this.find(id) : null;
  }

  addOneTimeToken(id: string, email: string, token: OneTimeTokenRecord): Promise<boolean> {
    const added = { $each: [tokenDocument(token)], $slice: -tokensOfAPurpose };
    const change = { $push: { [`oneTimeTokens.${token.purpose}`]: added } };
    return this.update({ _id: id, email, sessionEpoch: token.epoch }, change);
  }

  resetPassword(id: string, spent: SpentToken, newHash: string, ending: Ending): Promise<AccountRecord | null> {
    const set = { passwordHash: newHash, passwordChangedAt: new Date(ending.at), emailVerified: true };
    return this.end(id, { ending, kept: null, where: hasToken('RESET', spent), set });
  }

  async verifyEmail(id: string, spent: SpentToken, at: EpochMs): Promise<AccountRecord | null> {
    const change = { $set: { emailVerified: true, changedAt: new Date(at), 'oneTimeTokens.VERIFY': [] }, $inc: { version: 1 } };
    return (await this.update({ _id: id, ...hasToken('VERIFY', spent) }, change)) ? this.find(id) : null;
  }

  async changeEmail(id: string, spent: SpentToken, { email, tokens }: EmailChange, at: EpochMs): Promise<AccountRecord | null> {
    const change = {
      $set: { email, emailVerified: true, changedAt: new Date(at), oneTimeTokens: tokensDocument(tokens) },
      $inc: { version: 1 },
    };
    const changed = await this.unique(() => this.update({ _id: id, ...hasToken('CHANGE_EMAIL', spent) }, change));
    return changed ? this.find(id) : null;
  }

  revertEmailChange(id: string, spent: SpentToken, { email, tokens }: EmailChange, ending: Ending): Promise<AccountRecord | null> {
    const set = { email, emailVerified: true, passwordHash: null };
    return this.unique(() => this.end(id, { ending, kept: null, where: hasToken('REVERT_EMAIL', spent), set, tokens }));
  }

  /** Throws `DuplicateError` where a unique value is taken. */
  private async unique<T>(update: () => Promise<T>): Promise<T> {
    try {
      return await update();
    } catch (error) {
      const fields = duplicateKey(error);
      throw fields === null ? error : new DuplicateError(fields.includes('usernameKey') ? 'username' : 'email');
    }
  }

  /** The one way to raise the epoch: only while the kept session, if any, is within it. */
  private async end(id: string, { ending, kept, where, set, raise, tokens }: End): Promise<AccountRecord | null> {
    const within = kept === null ? {} : { $or: [{ sessionEpoch: kept.epoch }, { keptSessionId: kept.id }] };
    const changed = await this.update(
      { _id: id, ...where, ...within },
      {
        $inc: { sessionEpoch: 1, version: 1, ...raise },
        $set: {
          ...set,
          ...(tokens === undefined ? noVoidTokens : { oneTimeTokens: tokensDocument(tokens) }),
          keptSessionId: kept?.id ?? null,
          sessionsEnded: endingDocument(ending),
          changedAt: new Date(ending.at),
        },
      },
    );
    return changed ? this.find(id) : null;
  }

  /** Gives numbers to whoever waits, all that came meanwhile at a time, so that many sign-ins at once are few writes. */
  private async takeTurns(id: string, first: SignInTurn[]): Promise<void> {
    for (let turns = first; turns.length > 0; turns = this.signIns.get(id) ?? []) {
      this.signIns.set(id, []);
      try {
        const last = await this.takeNumbers(id, turns.length, Math.max(...turns.map(({ at }) => at)));
        for (const [index, { resolve }] of turns.entries()) resolve(last === null ? null : last - turns.length + 1 + index);
      } catch (error) {
        for (const { reject } of turns) reject(error);
      }
    }
    this.signIns.delete(id);
  }

  /** The last of so many numbers. Compare-and-set on the count, repeated: each loss means that another process's sign-in went through. */
  private async takeNumbers(id: string, count: number, at: EpochMs): Promise<number | null> {
    const giveUpAt = performance.now() + this.limits.wait;
    while (performance.now() < giveUpAt) {
      const found = await this.model.findOne({ _id: id, deletedAt: null }, { signInCount: 1 }).lean<Pick<AccountDocument, 'signInCount'>>();
      if (found === null) return null;
      const last = found.signInCount + count;
      const change = { $set: { signInCount: last, lastLoginAt: new Date(at) } };
      if (await this.update({ _id: id, signInCount: found.signInCount }, change)) return last;
    }
    throw new StoreUnavailableError(new Error('too many sign-ins at once'));
  }

  private async findOne(filter: QueryFilter<AccountDocument>, concern: ReadConcern = 'local'): Promise<AccountRecord | null> {
    const document = await this.model
      .findOne({ ...filter, deletedAt: null })
      .readConcern(concern)
      .maxTimeMS(this.limits.wait)
      .lean<AccountDocument>();
    return document && toAccount(document);
  }

  private async update(filter: QueryFilter<AccountDocument>, change: UpdateQuery<AccountDocument>): Promise<boolean> {
    const { matchedCount } = await this.model.updateOne({ ...filter, deletedAt: null }, change);
    return matchedCount === 1;
  }

  /** Whether the record is there already, written by an attempt whose answer the caller did not get. */
  private async isRepeat(account: AccountRecord): Promise<boolean> {
    const found = await this.find(account.id);
    return found !== null && found.email === account.email && found.createdAt === account.createdAt;
  }
}
