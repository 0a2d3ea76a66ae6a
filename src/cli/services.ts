import { openAuth } from '../app.js';
import { loadConfig } from '../config.js';

type Auth = Awaited<ReturnType<typeof openAuth>>;

/**
 * Runs `work` with store and services as the server has them: the store is migrated and its keys are made where that is due. Throws what
 * `loadConfig` and `openAuth` throw.
 */
export async function withServices<T>(work: (services: Auth['services']) => Promise<T>): Promise<T> {
  // Standard output is the command's own; what goes wrong is said by its exit.
  const auth = await openAuth({ ...loadConfig(), logLevel: 'silent' });
  try {
    return await work(auth.services);
  } finally {
    await auth.close();
  }
}
