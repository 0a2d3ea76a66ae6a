const firstMs = 5_000;
const longestMs = 15 * 60_000;

/**
 * How long to wait after so many failed attempts (1 or more), in milliseconds: about 5 s, then twice as long each time, up to 15 min; a
 * quarter more or less at random, so that mails which failed together do not come back together. `random`: 0 to 1.
 */
export function backoffMs(attempts: number, random: number): number {
  const base = Math.min(longestMs, firstMs * 2 ** Math.min(attempts - 1, 20));
  return Math.round(base * (0.75 + random / 2));
}
