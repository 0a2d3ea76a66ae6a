import type { EpochMs, TallyRecord } from '../store/records.js';

/**
 * So long an attempt that was begun and not settled is under way. Then it counts as a failure, whatever became of it: its process died or
 * stood still, and the guess may have been evaluated. A hash waits for its thread for at most 2 s.
 */
export const leaseMs = 10_000;
/** So long after the last sign-in from there an account knows a network. */
export const knownForMs = 90 * 86_400_000;
const mostKnownNetworks = 10;
/** Instants further in the future than this were written by a clock that has been set back since: they must keep nobody out. */
const clockToleranceMs = 5_000;

/** How failures slow down what comes after them. */
export interface DelayPolicy {
  /** So many may fail, and as many be under way, before there is a delay; from then on one at a time. At least 1. */
  readonly free: number;
  /** After the first that is not free. Each further one doubles it. */
  readonly firstDelayMs: number;
  readonly mostDelayMs: number;
  /** So long after the first failure the count begins anew. */
  readonly windowMs: number;
}

/** How much a network may do within a span of time, whatever comes of it. */
export interface QuotaPolicy {
  readonly limit: number;
  readonly windowMs: number;
}

export type AttemptDecision =
  | { readonly kind: 'admit' }
  /** Others are under way, and it depends on them: ask again when one is settled. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'delay'; readonly ms: number };

/** A tally to be written: the stamp comes with the write. */
export type TallyDraft = Omit<TallyRecord, 'stamp'>;

/** What became of an attempt. `cleared`: it succeeded, and those before it that failed are forgiven; `refunded`: it does not count. */
export type Settlement = 'failed' | 'refunded' | 'cleared';

type Window = Pick<DelayPolicy, 'windowMs'>;

/** The tally as it is by now: a window that is over is gone, and what was never settled counts. */
function asOf(tally: TallyRecord | null, key: string, now: EpochMs, { windowMs }: Window): TallyDraft {
  if (tally === null) return { key, since: now, count: 0, lastAt: null, inFlight: [], knownNetworks: [], purgeAt: now };
  const isLive = ({ at }: { readonly at: EpochMs }) => now - at < leaseMs && at <= now + clockToleranceMs;
  const inFlight = tally.inFlight.filter(isLive);
  const isOver = now - tally.since >= windowMs;
  const lost = isOver ? [] : tally.inFlight.filter((attempt) => !isLive(attempt));
  const count = isOver ? 0 : tally.count + lost.length;
  if (count === 0) return { ...tally, since: now, count, lastAt: null, inFlight };
  const lastAt = Math.max(tally.lastAt ?? 0, ...lost.map(({ at }) => at));
  return { ...tally, since: Math.min(tally.since, now), count, lastAt, inFlight };
}

/** What is written says until when it matters. An attempt under way may come to count, so it is kept for a whole window. */
function dated(draft: TallyDraft, now: EpochMs, { windowMs }: Window): TallyDraft {
  const { since, count, inFlight, knownNetworks } = draft;
  const ends = [...inFlight.map(({ at }) => at + windowMs), ...knownNetworks.map(({ at }) => at + knownForMs)];
  return { ...draft, purgeAt: Math.max(now, count > 0 ? since + windowMs : now, ...ends) };
}

/** 0 for a count that is free. */
export function delayAfter(count: number, { free, firstDelayMs, mostDelayMs }: DelayPolicy): number {
  return count < free ? 0 : Math.min(mostDelayMs, firstDelayMs * 2 ** (count - free));
}

/** Whether another attempt may begin now. The caller begins it by a compare-and-set on the tally that was judged. */
export function decideAttempt(tally: TallyRecord | null, now: EpochMs, policy: DelayPolicy): AttemptDecision {
  const { count, lastAt, inFlight } = asOf(tally, '', now, policy);
  if (count + inFlight.length < policy.free) return { kind: 'admit' };
  if (inFlight.length > 0) return { kind: 'busy' };
  const isLeapt = lastAt === null || lastAt > now + clockToleranceMs;
  const left = isLeapt ? 0 : lastAt + delayAfter(count, policy) - now;
  return left > 0 ? { kind: 'delay', ms: left } : { kind: 'admit' };
}

/** With one more attempt under way. */
export function begun(tally: TallyRecord | null, key: string, id: string, now: EpochMs, window: Window): TallyDraft {
  const draft = asOf(tally, key, now, window);
  return dated({ ...draft, inFlight: [...draft.inFlight, { id, at: now }] }, now, window);
}

/** Without the attempt. One whose lease has run out counts already, and is not counted twice. */
export function settled(tally: TallyRecord, id: string, settlement: Settlement, now: EpochMs, window: Window): TallyDraft {
  const draft = asOf(tally, tally.key, now, window);
  const inFlight = draft.inFlight.filter((attempt) => attempt.id !== id);
  const isFailure = settlement === 'failed' && inFlight.length < draft.inFlight.length;
  const counted = isFailure ? { count: draft.count + 1, lastAt: now } : {};
  const cleared = settlement === 'cleared' ? { since: now, count: 0, lastAt: null } : {};
  return dated({ ...draft, ...counted, ...cleared, inFlight }, now, window);
}

/** Whether the account was signed in to from this network of late. */
export function knows(account: TallyRecord | null, network: string, now: EpochMs): boolean {
  return account?.knownNetworks.some((known) => known.network === network && now - known.at < knownForMs) ?? false;
}

/** With the network as the one that was signed in from last; of more than ten the one unused for longest goes. */
export function acquainted(tally: TallyRecord | null, key: string, network: string, now: EpochMs, window: Window): TallyDraft {
  const draft = asOf(tally, key, now, window);
  const others = draft.knownNetworks.filter((known) => known.network !== network && now - known.at < knownForMs);
  return dated({ ...draft, knownNetworks: [...others, { network, at: now }].slice(-mostKnownNetworks) }, now, window);
}

/** Whether the network may do another `amount` now; never `busy`. */
export function decideQuota(tally: TallyRecord | null, amount: number, now: EpochMs, policy: QuotaPolicy): AttemptDecision {
  const { since, count } = asOf(tally, '', now, policy);
  return count + amount <= policy.limit ? { kind: 'admit' } : { kind: 'delay', ms: since + policy.windowMs - now };
}

/** With so much more done. */
export function spent(tally: TallyRecord | null, key: string, amount: number, now: EpochMs, policy: QuotaPolicy): TallyDraft {
  const draft = asOf(tally, key, now, policy);
  return dated({ ...draft, count: draft.count + amount, lastAt: now }, now, policy);
}
