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

/** What one network may do, right or wrong. */
export const networkQuotas = {
  signup: { limit: 60, windowMs: hour },
  reset: { limit: 30, windowMs: hour },
  verification: { limit: 30, windowMs: hour },
  /** 50 a second: a whole company behind one address stays below it. */
  refresh: { limit: 30_000, windowMs: 10 * minute },
} as const satisfies Record<Exclude<ThrottleKind, 'password'>, QuotaPolicy>;
