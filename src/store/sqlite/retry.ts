import { setTimeout as delay } from 'node:timers/promises';

/** How long a locked file is waited for; the port allows 3 s in all. */
export const patienceMs = 2_200;
const pauseMs = 15;

/** The file is locked by another connection: worth another attempt. */
export function isBusy(error: unknown): boolean {
  const code = errorCode(error);
  return code !== null && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'));
}

/** SQLite's name for an error, such as `SQLITE_CONSTRAINT_UNIQUE`; null for an error that is not SQLite's. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Repeats `attempt` while the file is locked, without blocking the event loop, and throws the last error in the end. */
export async function retryWhileBusy<T>(attempt: () => T): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= giveUpAt) throw error;
    }
    await delay(pauseMs);
  }
}
