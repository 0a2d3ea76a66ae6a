import type { ThrottleKind } from './meter.js';
import type { DelayPolicy, QuotaPolicy } from './throttle-decision.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Wrong passwords, by whom they are for and where they come from. `docs/decisions/throttling.md` says what they allow. */
export const passwordLimits = {
  /** One account from one network. */
  pair: { free: 5, firstDelayMs: second, mostDelayMs: 15 * minute, windowMs: 24 * hour },
  /** One account from everywhere. It holds up only networks that the account does not know. */
  account: { free: 100, firstDelayMs: second, mostDelayMs: 15 * minute, windowMs: 24 * hour },
  /** One network, for all accounts: short delays, because its other people feel them too. */
  network: { free: 300, firstDelayMs: second, mostDelayMs: minute, windowMs: hour },
} as const satisfies Record<string, DelayPolicy>;

/** Mails of one kind to one address that anybody can ask for. */
export const mailQuota: QuotaPolicy = { limit: 10, windowMs: hour };
/** As above: the link of a sign-up is in one mail alone, so whoever signs up another's address must not soon use up what its owner needs. */
export const signupMailQuota: QuotaPolicy = { limit: 60, windowMs: hour };

/** What one network may do, right or wrong. */
export const networkQuotas = {
  signup: { limit: 60, windowMs: hour },
  /** A whole company behind one address stays below it; mails to one address are counted by themselves. */
  reset: { limit: 120, windowMs: hour },
  verification: { limit: 120, windowMs: hour },
  /** 50 a second: a whole company behind one address stays below it. */
  refresh: { limit: 30_000, windowMs: 10 * minute },
} as const satisfies Partial<Record<ThrottleKind, QuotaPolicy>>;

/** What is done to one account by whoever is signed in to it. An intruder who is must not be able to keep its owner busy with it. */
export const accountQuotas = {
  /** Each voids what was mailed, and may overtake a sign-in. Sessions one by one are not counted. */
  end_all: { limit: 30, windowMs: hour },
  password_change: { limit: 30, windowMs: hour },
  username_change: { limit: 10, windowMs: hour },
} as const satisfies Partial<Record<ThrottleKind, QuotaPolicy>>;
