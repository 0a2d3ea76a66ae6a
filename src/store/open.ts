import type { Store } from './port.js';

/**
 * Opens the store that the URL names (`sqlite:PATH`, `sqlite::memory:`, `mongodb://`, `mongodb+srv://`), creates or migrates
 * its schema and waits for its indexes. Throws `StoreUnavailableError` when it cannot be reached, `StoreVersionError` when its
 * schema is newer than this code. Each adapter is loaded only when it is used.
 */
export async function openStore(url: string): Promise<Store> {
  if (url.startsWith('sqlite:')) {
    const { openSqliteStore } = await import('./sqlite/open.js');
    return openSqliteStore(url.slice('sqlite:'.length));
  }
  const { openMongoStore } = await import('./mongo/open.js');
  return openMongoStore(url);
}
