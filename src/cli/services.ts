import { loadConfig } from '../config.js';
import type { AuthServices } from '../services.js';

/**
 * Runs `work` with store and services as the server has them: the store is migrated and its keys are made where that is due. Throws what
 * `loadConfig` and `openAuth` throw.
 */
export async function withServices<T>(work: (services: AuthServices) => Promise<T>): Promise<T> {
  // On demand, so that help and wrong usage need not wait for databases and cryptography.
  const { openAuth } = await import('../open-auth.js');
  // Standard output is the command's own; what goes wrong is said by its exit.
  const auth = await openAuth({ ...loadConfig(), logLevel: 'silent' });
  try {
    return await work(auth.services);
  } finally {
    await auth.close();
  }
}
