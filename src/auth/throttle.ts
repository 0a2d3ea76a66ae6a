import { createHmac, createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import { type Store, StoreUnavailableError } from '../store/port.js';
import type { TallyRecord } from '../store/records.js';
import { networkOf } from './binding.js';
import type { Clock } from './clock.js';
import { AuthError, asAuthError } from './errors.js';
import { normalizeEmail } from './identifiers.js';
import type { Log } from './log.js';
import { type Meter, noMeter, type ThrottleKind } from './meter.js';
import { RefreshCounts } from './refresh-counts.js';
import type { OpenedKey } from './server-keys.js';
import { Tallies } from './tallies.js';
import {
  type AttemptDecision,
  acquainted,
  begun,
  type DelayPolicy,
  decideAttempt,
  decideQuota,
  knows,
  type QuotaPolicy,
  type Settlement,
  settled,
  spent,
} from './throttle-decision.js';
import { accountQuotas, mailQuota, networkQuotas, passwordLimits, signupMailQuota } from './throttle-limits.js';
import { Turns } from './turns.js';
import type { RequestFacts } from './viewer.js';

/** Milliseconds of real time. */
export interface Patience {
  /** So long an attempt waits for those under way; a sign-in that finds the hashing queue full is told after 2 s. */
  readonly attempt: number;
  /** So long anything waits for a tally that everybody wants, unless it is to settle what was begun. */
  readonly change: number;
  /** An attempt that cannot be settled counts as a failure when its lease has run out, so settling is patient. */
  readonly settling: number;
}
const usualPatience: Patience = { attempt: 6_000, change: 2_000, settling: 8_000 };
/** Attempts of one account and network that stand in line in this process; more are refused at once. */
const mostInLine = 32;
/** First attempts of their lines that ask the store again and again. */
const mostAsking = 100;
const firstPauseMs = 20;
const longestPauseMs = 160;

interface ThrottleDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: { readonly throttle: boolean };
  /** In order of sequence, at least one; the last one is used. */
  readonly blindingKeys: readonly OpenedKey[];
  readonly meter?: Pick<Meter, 'throttled'>;
  /** For tests. */
  readonly limits?: Readonly<Record<Level, DelayPolicy>>;
  readonly patience?: Patience;
}

type Request = Pick<RequestFacts, 'ipAddress'>;
type Level = keyof typeof passwordLimits;

/** What a password is tried on, blinded. */
interface Target {
  readonly keys: Readonly<Record<Level, string>>;
  /** The network as the account's tally knows it. */
  readonly network: string;
}

const levels = Object.keys(passwordLimits) as Level[];

/**
 * Counts what is tried, where it is done and before it is done: attempts at passwords by account and network, by account, and by
 * network; other acts by network. The counts lie in the store, so that any number of processes keep one limit.
 */
export class Throttle {
  private readonly tallies: Tallies;
  private readonly refreshes: RefreshCounts;
  private readonly blindingKey: KeyObject;
  private readonly limits: Readonly<Record<Level, DelayPolicy>>;
  private readonly patience: Patience;
  private readonly turns = new Turns();
  private readonly inLine = new Map<string, number>();
  private readonly asking = new Set<() => void>();

  constructor(private readonly deps: ThrottleDeps) {
    const { store, clock, log, blindingKeys } = deps;
    this.limits = deps.limits ?? passwordLimits;
    this.patience = deps.patience ?? usualPatience;
    this.tallies = new Tallies(store, this.patience.change);
    this.refreshes = new RefreshCounts({ tallies: this.tallies, clock, log, policy: networkQuotas.refresh });
    const key = blindingKeys.at(-1);
    if (key === undefined) throw new Error('no key to blind with');
    this.blindingKey = createSecretKey(key.material);
  }

  /**
   * Lets `verify` compare a password, unless too many were wrong, and gives its answer. `accountId` null: there is no such account, and
   * the login as it was given stands for one. Throws `AuthError` `RATE_LIMITED` with nothing compared, `StoreUnavailableError` when
   * attempts cannot be counted, and what `verify` throws: when that is `RATE_LIMITED` nothing is counted.
   */
  async passwordAttempt(login: string, accountId: string | null, request: Request, verify: () => Promise<boolean>): Promise<boolean> {
    if (!this.deps.config.throttle) return verify();
    const target = this.targetOf(login, accountId, request);
    const id = await this.metered('password', () => this.admit(target));
    let matches: boolean;
    try {
      matches = await verify();
    } catch (error) {
      const wasCompared = asAuthError(error)?.code !== 'RATE_LIMITED';
      await this.settle(target, id, wasCompared ? 'failed' : 'refunded');
      throw error;
    }
    const failure = await this.settle(target, id, matches ? 'cleared' : 'failed');
    // Right or wrong: who goes on without the store finds out in another 3 s that it is not there.
    if (failure instanceof StoreUnavailableError) throw failure;
    return matches;
  }

  /**
   * Counts an act of this network. Throws `AuthError` `RATE_LIMITED` when it has done too many, and, but for refreshes, `StoreUnavailableError`
   * when that cannot be known.
   */
  async network(kind: keyof typeof networkQuotas, request: Request): Promise<void> {
    if (!this.deps.config.throttle) return;
    const key = this.blind(kind, networkOf(request.ipAddress));
    await this.metered(kind, async () => {
      const waitMs = kind === 'refresh' ? this.refreshes.note(key) : await this.spend(key, networkQuotas[kind]);
      if (waitMs > 0) throw tooMany(waitMs);
    });
  }

  /**
   * Counts an act upon this account, by whoever is signed in to it. Throws `AuthError` `RATE_LIMITED` when there were too many,
   * `StoreUnavailableError` when that cannot be known.
   */
  async account(kind: keyof typeof accountQuotas, accountId: string): Promise<void> {
    if (!this.deps.config.throttle) return;
    await this.metered(kind, async () => {
      const waitMs = await this.spend(this.blind(kind, 'id', accountId), accountQuotas[kind]);
      if (waitMs > 0) throw tooMany(waitMs);
    });
  }

  /** Counts a mail of this kind to this address, and says whether it may be sent. Throws `StoreUnavailableError` when that cannot be known. */
  async mail(kind: string, address: string): Promise<boolean> {
    if (!this.deps.config.throttle) return true;
    try {
      return (await this.spend(this.blind('mail', kind, address), kind === 'signup' ? signupMailQuota : mailQuota)) === 0;
    } catch (error) {
      // So many ask for it at once that the tally cannot be had.
      if (asAuthError(error)?.code === 'RATE_LIMITED') return false;
      throw error;
    }
  }

  /** Notes that somebody has begun to use the account from here, as at a sign-up. A store that does not answer is no obstacle. */
  async acquaint(accountId: string, request: Request): Promise<void> {
    if (!this.deps.config.throttle) return;
    await this.noteNetwork(accountId, request, (tally) => tally);
  }

  /**
   * Notes that somebody has proved by a mailed link to be the account's person: what failed from here is forgiven, and the networks that the
   * account knew are not known any more, for they may be an intruder's. A store that does not answer is no obstacle.
   */
  async startOver(accountId: string, request: Request): Promise<void> {
    if (!this.deps.config.throttle) return;
    const { pair } = this.targetOf('', accountId, request).keys;
    const forgive = (tally: TallyRecord | null) => tally && settled(tally, '', 'cleared', this.deps.clock.now(), this.limits.pair);
    await this.noteNetwork(accountId, request, (tally) => tally && { ...tally, knownNetworks: [] });
    await this.tallies
      .change(pair, (tally) => ({ draft: forgive(tally), result: null }))
      .catch((error: unknown) => this.deps.log.warn({ err: error, accountId }, 'what failed before could not be forgiven'));
  }

  private async noteNetwork(
    accountId: string,
    request: Request,
    prepare: (tally: TallyRecord | null) => TallyRecord | null,
  ): Promise<void> {
    const { keys, network } = this.targetOf('', accountId, request);
    const now = this.deps.clock.now();
    try {
      const draftOf = (tally: TallyRecord | null) => acquainted(prepare(tally), keys.account, network, now, this.limits.account);
      await this.tallies.change(keys.account, (tally) => ({ draft: draftOf(tally), result: null }));
    } catch (error) {
      this.deps.log.warn({ err: error, accountId }, 'the network that an account is used from could not be noted');
    }
  }

  /** Resolves when what was counted in memory alone and is on its way to the store is there. */
  close(): Promise<void> {
    return this.refreshes.settle();
  }

  private async metered<T>(kind: ThrottleKind, work: () => Promise<T>): Promise<T> {
    const { meter = noMeter } = this.deps;
    try {
      return await work();
    } catch (error) {
      if (asAuthError(error)?.code === 'RATE_LIMITED') meter.throttled(kind);
      throw error;
    }
  }

  /** How long it is to wait, in milliseconds: 0 where it may go on. */
  private spend(key: string, policy: QuotaPolicy): Promise<number> {
    const now = this.deps.clock.now();
    return this.tallies.change<number>(key, (tally) => {
      const decision = decideQuota(tally, 1, now, policy);
      if (decision.kind === 'delay') return { draft: null, result: decision.ms };
      return { draft: spent(tally, key, 1, now, policy), result: 0 };
    });
  }

  /** The id of the attempt, which is under way from then on. */
  private async admit(target: Target): Promise<string> {
    const { pair } = target.keys;
    const before = this.inLine.get(pair) ?? 0;
    if (before >= mostInLine) throw tooMany(0);
    this.inLine.set(pair, before + 1);
    const giveUpAt = performance.now() + this.patience.attempt;
    try {
      return await this.turns.run(pair, () => this.waitAndBegin(target, giveUpAt));
    } finally {
      const left = (this.inLine.get(pair) ?? 1) - 1;
      if (left > 0) this.inLine.set(pair, left);
      else this.inLine.delete(pair);
    }
  }

  private async waitAndBegin(target: Target, giveUpAt: number): Promise<string> {
    const id = randomUUID();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const decision = await this.tryToBegin(target, id);
      if (decision.kind === 'admit') return id;
      if (decision.kind === 'delay') throw tooMany(decision.ms);
      if (performance.now() > giveUpAt || this.asking.size >= mostAsking) throw tooMany(0);
      await this.nextSettlement(pauseMs);
    }
  }

  /** Judged on a reading first, so that a flood of refusals writes nothing. */
  private async tryToBegin(target: Target, id: string): Promise<AttemptDecision> {
    const { keys } = target;
    const found = await this.tallies.find(Object.values(keys));
    const now = this.deps.clock.now();
    const read = strictest(
      levels.map((level) => decideAttempt(found.get(keys[level]) ?? null, now, this.policyFor(level, target, found, now))),
    );
    if (read.kind !== 'admit') return read;
    const begins = await Promise.allSettled(
      levels.map((level) => {
        const policy = this.policyFor(level, target, found, now);
        return this.tallies.change(keys[level], (tally) => {
          const decision = decideAttempt(tally, now, policy);
          const draft = decision.kind === 'admit' ? begun(tally, keys[level], id, now, policy) : null;
          return { draft, result: decision };
        });
      }),
    );
    const decisions = begins.map((result) => (result.status === 'fulfilled' ? result.value : null));
    const decision = strictest(decisions.filter((one) => one !== null));
    const failure = begins.find((result) => result.status === 'rejected');
    if (failure === undefined && decision.kind === 'admit') return decision;
    // The store that did not answer would not answer this either, not in time: then the lease does it.
    if (failure?.reason instanceof StoreUnavailableError) throw failure.reason;
    const begunOn = levels.filter((_, index) => decisions[index]?.kind === 'admit');
    await this.settle(target, id, 'refunded', begunOn);
    if (failure !== undefined) throw failure.reason;
    return decision;
  }

  /** An account-wide brake spares the networks that the account knows: else a stranger could keep its owner out. */
  private policyFor(level: Level, target: Target, found: ReadonlyMap<string, TallyRecord>, now: number): DelayPolicy {
    const policy = this.limits[level];
    const isSpared = level === 'account' && knows(found.get(target.keys.account) ?? null, target.network, now);
    return isSpared ? { ...policy, free: Number.POSITIVE_INFINITY } : policy;
  }

  /** What went wrong, if anything did; never throws: what is not settled counts when its lease has run out. */
  private async settle(target: Target, id: string, settlement: Settlement, on: readonly Level[] = levels): Promise<unknown> {
    const results = await Promise.allSettled(on.map((level) => this.settleOne(target, level, id, settlement)));
    for (const wake of this.asking) wake();
    const failure: unknown = results.find((result) => result.status === 'rejected')?.reason;
    if (failure !== undefined)
      this.deps.log.warn({ err: failure }, 'an attempt at a password could not be settled, and will count as wrong');
    return failure;
  }

  /** Success forgives what this network did to this account, and never what was done to others, or to this account from elsewhere. */
  private settleOne({ keys, network }: Target, level: Level, id: string, settlement: Settlement): Promise<null> {
    const policy = this.limits[level];
    const key = keys[level];
    const own = settlement === 'cleared' && level !== 'pair' ? 'refunded' : settlement;
    const decide = (tally: TallyRecord | null) => {
      if (tally === null) return { draft: null, result: null };
      const now = this.deps.clock.now();
      const draft = settled(tally, id, own, now, policy);
      const isHome = settlement === 'cleared' && level === 'account';
      return { draft: isHome ? acquainted({ ...draft, stamp: tally.stamp }, key, network, now, policy) : draft, result: null };
    };
    return this.tallies.change(key, decide, this.patience.settling);
  }

  /** Resolves when an attempt of this process was settled, or after the pause: others are settled elsewhere. */
  private nextSettlement(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.asking.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, pauseMs);
      this.asking.add(wake);
    });
  }

  private targetOf(login: string, accountId: string | null, { ipAddress }: Request): Target {
    const subject = accountId === null ? ['login', normalizeEmail(login) ?? login.slice(0, 256).trim().toLowerCase()] : ['id', accountId];
    const network = networkOf(ipAddress);
    return {
      keys: {
        pair: this.blind('pair', ...subject, network),
        account: this.blind('account', ...subject),
        network: this.blind('network', network),
      },
      network: this.blind('known', ...subject, network),
    };
  }

  /** Whoever reads the database learns no address, no login and no account from it. */
  private blind(...what: readonly string[]): string {
    return createHmac('sha256', this.blindingKey).update(JSON.stringify(what)).digest('base64url');
  }
}

/** The longest delay; without one `busy` if any is. */
function strictest(decisions: readonly AttemptDecision[]): AttemptDecision {
  const delays = decisions.filter((decision) => decision.kind === 'delay').map(({ ms }) => ms);
  if (delays.length > 0) return { kind: 'delay', ms: Math.max(...delays) };
  return decisions.find(({ kind }) => kind === 'busy') ?? { kind: 'admit' };
}

const tooMany = (waitMs: number): AuthError => new AuthError('RATE_LIMITED', { retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) });
