import { setTimeout as pause } from 'node:timers/promises';
import { serviceUnavailable } from './errors.js';

/** One is lost only to another change of the same account. */
const mostTries = 20;
/** Longer than an attempt takes, or two that hinder each other would meet again. */
const longestPauseMs = 500;

/**
 * Read, decide, compare-and-set; whoever loses (`attempt` gives null) reads and decides again, after a pause at random: two that hinder each
 * other must part. Throws what `attempt` throws, and `AuthError` `SERVICE_UNAVAILABLE` after 20 losses.
 */
export async function untilWon<Done>(attempt: () => Promise<Done | null>): Promise<Done> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const done = await attempt();
    if (done !== null) return done;
    await pause(Math.random() * Math.min(longestPauseMs, 4 * 2 ** tries));
  }
  throw serviceUnavailable();
}
