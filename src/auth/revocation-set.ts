import { randomBytes } from 'node:crypto';
import type { AccountStanding, Change } from '../store/port.js';
import type { Ending, EpochMs } from '../store/records.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import { type EndedSession, isDisabled } from './liveness.js';

export type SessionStanding =
  /** `roles` and the account's `version`: as they are now, whatever the token says. */
  | { readonly kind: 'alive'; readonly roles: readonly string[]; readonly version: number }
  | { readonly kind: 'ended'; readonly ended: EndedSession };

interface Remembered<T> {
  readonly value: T;
  /** By the clock that judges tokens: from then on none is left that this could concern. */
  readonly until: number;
  /** Higher than those of all that was learnt before. */
  readonly number: number;
}

/** One entry as it is by now. */
export type NumberedEntry =
  | ({ readonly kind: 'session'; readonly id: string } & Remembered<Ending>)
  | ({ readonly kind: 'account'; readonly id: string } & Remembered<AccountStanding>);

type Place = Pick<NumberedEntry, 'kind' | 'id' | 'number'>;

/** So many places without an entry are put up with before the order is tidied. */
const mostStalePlaces = 1_000;

/**
 * What was revoked or changed lately, in memory. A token that is verified is good unless this says otherwise, so every entry
 * stays for longer than a token can live. Entries are numbered in the order in which they were learnt, so that a reader can ask for what
 * came after a number.
 */
export class RevocationSet {
  private readonly sessions = new Map<string, Remembered<Ending>>();
  private readonly accounts = new Map<string, Remembered<AccountStanding>>();
  /** By number. An entry that has got a higher number, or has gone, leaves its place here for a while. */
  private order: Place[] = [];
  private highestNumber = 0;
  private ownLife = newLife();

  /** `keptForMs`: the lifetime of access tokens, the leeway and a little more. */
  constructor(private readonly keptForMs: number) {}

  get size(): number {
    return this.sessions.size + this.accounts.size;
  }

  /** Numbers mean something within one life only: that of this object, until it is cleared. Random. */
  get life(): string {
    return this.ownLife;
  }

  /** The highest number given; 0 before the first. */
  get lastNumber(): number {
    return this.highestNumber;
  }

  /**
   * An older state of an account than the one known changes nothing: the ways by which changes come may overtake each other. Says whether
   * anything new was learnt; only that gets a number.
   */
  add(change: Exclude<Change, { kind: 'keys-changed' | 'beat' }>, now: EpochMs): boolean {
    const until = now + this.keptForMs;
    if (change.kind === 'session-revoked') {
      const known = this.sessions.get(change.sessionId);
      const number = known?.number ?? this.nextNumber('session', change.sessionId);
      put(this.sessions, change.sessionId, { value: known?.value ?? change.ending, until, number });
      return known === undefined;
    }
    const { account } = change;
    const known = this.accounts.get(account.id);
    const isNews = known === undefined || known.value.version < account.version;
    const newest = known !== undefined && known.value.version > account.version ? known.value : account;
    put(this.accounts, account.id, { value: newest, until, number: isNews ? this.nextNumber('account', account.id) : known.number });
    return isNews;
  }

  /** The entries with a higher number, lowest first. They are looked up as they are asked for: ask for all before anything is added. */
  *since(number: number): Generator<NumberedEntry> {
    const { order } = this;
    for (let index = this.firstAfter(number); index < order.length; index += 1) {
      const place = order[index];
      const entry = place === undefined ? null : this.entryAt(place);
      if (entry !== null) yield entry;
    }
  }

  /** Lets go of what concerns no token any more. */
  prune(now: EpochMs): void {
    for (const entries of [this.sessions, this.accounts]) {
      for (const [id, { until }] of entries) {
        if (until > now) break;
        entries.delete(id);
      }
    }
    if (this.order.length > this.size + mostStalePlaces) this.order = this.order.filter((place) => this.entryAt(place) !== null);
  }

  clear(): void {
    this.sessions.clear();
    this.accounts.clear();
    this.order = [];
    this.ownLife = newLife();
  }

  /** Judges the claims of a token that is authentic and not past its end. */
  judge(claims: AccessTokenClaims, now: EpochMs): SessionStanding {
    const revoked = this.sessions.get(claims.sid)?.value;
    if (revoked !== undefined) return { kind: 'ended', ended: { kind: 'revoked', ...revoked } };
    const account = this.accounts.get(claims.sub)?.value;
    if (account?.deleted) return { kind: 'ended', ended: { ...lastEnd(account, now), reason: 'ACCOUNT_DELETED' } };
    // Made after the last change that this node has heard of: the token knows better.
    if (account === undefined || account.version < claims.ver) return { kind: 'alive', roles: claims.roles, version: claims.ver };
    if (isDisabled(account, now) && account.disabled !== null) {
      return { kind: 'ended', ended: { kind: 'revoked', reason: 'ACCOUNT_DISABLED', at: account.disabled.at, by: null } };
    }
    // The token was made while its session was within the epoch that it names.
    const isWithin = claims.epoch === account.sessionEpoch || claims.sid === account.keptSessionId;
    if (isWithin) return { kind: 'alive', roles: account.roles, version: account.version };
    return { kind: 'ended', ended: lastEnd(account, now) };
  }

  private nextNumber(kind: Place['kind'], id: string): number {
    this.highestNumber += 1;
    this.order.push({ kind, id, number: this.highestNumber });
    return this.highestNumber;
  }

  /** Null where the entry has gone, or has a place further on. */
  private entryAt({ kind, id, number }: Place): NumberedEntry | null {
    if (kind === 'session') {
      const session = this.sessions.get(id);
      return session?.number === number ? { kind, id, ...session } : null;
    }
    const account = this.accounts.get(id);
    return account?.number === number ? { kind, id, ...account } : null;
  }

  private firstAfter(number: number): number {
    let [low, high] = [0, this.order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.order[middle]?.number ?? 0) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function lastEnd({ sessionsEnded }: AccountStanding, now: EpochMs) {
  return { kind: 'revoked', ...(sessionsEnded ?? { reason: 'REVOKED_BY_USER', at: now, by: null }) } as const;
}

const newLife = (): string => randomBytes(12).toString('base64url');

/** Last, so that the order of a map is the order in which its entries end. */
function put<T>(entries: Map<string, Remembered<T>>, id: string, entry: Remembered<T>): void {
  entries.delete(id);
  entries.set(id, entry);
}
