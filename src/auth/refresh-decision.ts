import type { AccountRecord, EpochMs, RevocationReason, SessionRecord } from '../store/records.js';
import { isSameAddress, isSameAgent } from './binding.js';
import { endOf, isDisabled } from './liveness.js';
import type { RequestFacts } from './viewer.js';

/** How many rotation instants a session remembers. */
export const rememberedRotations = 8;
/** A rotation further in the future than this shows that a clock leapt: nothing is decided on such a reading. */
const clockToleranceMs = 5_000;

export interface RefreshPolicy {
  /** 0: strict, every superseded token is reuse (RFC 9700 4.14.2). */
  readonly graceMs: number;
  readonly binding: 'off' | 'agent' | 'address' | 'both';
  /** How the token travels: replies with cookies may cross, those with bodies cannot. */
  readonly mode: 'bearer' | 'cookie';
}

/** What is to be done about an authentic refresh token. The table of `docs/decisions/refresh.md`, row by row. */
export type RefreshDecision =
  | { readonly kind: 'invalid' }
  | { readonly kind: 'account-disabled' }
  | { readonly kind: 'revoked'; readonly reason: RevocationReason; readonly at: EpochMs }
  | { readonly kind: 'expired'; readonly limit: 'IDLE' | 'ABSOLUTE'; readonly at: EpochMs }
  | { readonly kind: 'clock-leapt' }
  | { readonly kind: 'binding-mismatch' }
  /** Compare-and-set to the next generation and answer with that. */
  | { readonly kind: 'rotate' }
  /** Answer with the present generation; `confirm` when the client has just shown that it holds it. */
  | { readonly kind: 'repeat'; readonly confirm: boolean }
  | { readonly kind: 'too-often'; readonly retryAfterSeconds: number }
  | { readonly kind: 'reuse' };

type Presented = { readonly generation: number } & Pick<RequestFacts, 'ipAddress' | 'userAgent'>;

/**
 * The whole refresh state table as one pure function, in its order: the first row that fits decides. The caller applies the
 * decision by compare-and-set and, when that was lost to somebody else, reads and asks again.
 */
export function decideRefresh(
  session: SessionRecord | null,
  account: AccountRecord | null,
  presented: Presented,
  now: EpochMs,
  policy: RefreshPolicy,
): RefreshDecision {
  if (session === null || presented.generation > session.generation) return { kind: 'invalid' };
  if (account !== null && isDisabled(account, now)) return { kind: 'account-disabled' };
  // Also of an account that was deleted a moment ago, before each of its sessions is marked.
  const ended = endOf(session, account, now);
  if (ended !== null) return ended;
  if ((session.rotations.at(-1) ?? session.createdAt) > now + clockToleranceMs) return { kind: 'clock-leapt' };
  if (!isBound(session, presented, policy.binding)) return { kind: 'binding-mismatch' };
  if (presented.generation === session.generation) return decidePresent(session, now, policy);
  return decideSuperseded(session, presented.generation, now, policy.graceMs);
}

function isBound(session: SessionRecord, presented: Presented, binding: RefreshPolicy['binding']): boolean {
  const agentHolds = binding === 'off' || binding === 'address' || isSameAgent(session.userAgent, presented.userAgent);
  const addressHolds = binding === 'off' || binding === 'agent' || isSameAddress(session.ipAddress, presented.ipAddress);
  return agentHolds && addressHolds;
}

/** In cookie mode a young generation is answered again: replies that cross on the way must not leave an older cookie behind. */
function decidePresent(session: SessionRecord, now: EpochMs, { mode, graceMs }: RefreshPolicy): RefreshDecision {
  const bornAt = session.rotations.at(-1) ?? session.createdAt;
  return mode === 'cookie' && now - bornAt < graceMs ? { kind: 'repeat', confirm: true } : { kind: 'rotate' };
}

function decideSuperseded(session: SessionRecord, generation: number, now: EpochMs, graceMs: number): RefreshDecision {
  if (graceMs === 0) return { kind: 'reuse' };
  if (generation === session.generation - 1) {
    // A reply may be lost on the way: until the client has shown that it holds generation n, the one before still answers.
    const isConfirmed = session.confirmedGeneration >= session.generation;
    const since = Math.max(session.rotations.at(-1) ?? 0, isConfirmed ? (session.confirmedAt ?? 0) : 0);
    if (!isConfirmed || now - since <= graceMs) return { kind: 'repeat', confirm: false };
  } else {
    const supersededAt = session.rotations.at(generation - session.generation);
    const isRemembered = session.generation - generation <= session.rotations.length;
    if (isRemembered && supersededAt !== undefined && now - supersededAt <= graceMs) return { kind: 'repeat', confirm: false };
  }
  return decideForgotten(session.rotations, now, graceMs);
}

/** So many rotations within one grace that the instants of older ones are forgotten: too fast to judge, so not judged. */
function decideForgotten(rotations: readonly EpochMs[], now: EpochMs, graceMs: number): RefreshDecision {
  const oldest = rotations[0];
  if (oldest === undefined || rotations.length < rememberedRotations || now - oldest > graceMs) return { kind: 'reuse' };
  return { kind: 'too-often', retryAfterSeconds: Math.max(1, Math.ceil((oldest + graceMs - now) / 1000)) };
}
