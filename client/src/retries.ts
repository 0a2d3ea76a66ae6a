import { AuthRefusedError, AuthUnavailableError } from './failures.js';
import type { Clock } from './platform.js';

const mostTries = 4;
const firstDelayMs = 500;
/** A server that asks for more patience than this is not waited for. */
const longestDelayMs = 30_000;
const passingCodes: readonly string[] = ['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL_SERVER_ERROR'];

export interface RetryDeps {
  readonly clock: Clock;
  readonly random: () => number;
}

/** The failure as one that passes; null for one that repeating does not mend. */
function asPassing(error: unknown): AuthUnavailableError | null {
  if (error instanceof AuthUnavailableError) return error;
  if (!(error instanceof AuthRefusedError) || !passingCodes.includes(error.code)) return null;
  const { retryAfter } = error.extensions;
  return new AuthUnavailableError(error.message, retryAfter === undefined ? null : retryAfter * 1000, { cause: error });
}

/**
 * Does `work` up to four times, while it fails in a way that passes: half a second apart, then one, then two, each up to half shorter at
 * random, and never sooner than the server asks. Throws `AuthUnavailableError` at the end, at once where the server asks for more than
 * 30 s, and whatever else `work` throws as it is.
 */
export async function withRetries<T>(work: () => Promise<T>, { clock, random }: RetryDeps): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const passing = asPassing(error);
      if (passing === null) throw error;
      const asked = passing.retryAfterMs ?? 0;
      if (tries >= mostTries || asked > longestDelayMs) throw passing;
      const own = firstDelayMs * 2 ** (tries - 1) * (0.5 + random() / 2);
      // Everybody was told the same number of seconds: the own delay on top keeps them from coming back together.
      await pause(asked + own, clock);
    }
  }
}

export const pause = (milliseconds: number, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimeout(resolve, milliseconds);
  });
