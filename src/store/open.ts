import type { Mended, StoreInspection } from './inspection.js';
import type { Store } from './port.js';

/**
 * Opens the store that the URL names (`sqlite:PATH`, `sqlite::memory:`, `mongodb://`, `mongodb+srv://`), creates or migrates
 * its schema and waits for its indexes. Throws `StoreUnavailableError` when it cannot be reached, `StoreVersionError` when its
 * schema is newer than this code. Each adapter is loaded only when it is used.
 */
export async function openStore(url: string): Promise<Store> {
  if (isSqlite(url)) {
    const { openSqliteStore } = await import('./sqlite/open.js');
    return openSqliteStore(pathOf(url));
  }
  const { openMongoStore } = await import('./mongo/open.js');
  return openMongoStore(url);
}

/**
 * Looks at what the URL names, and changes nothing: no migration, no index, no key, no file. Throws `StoreUnavailableError` when it cannot be
 * reached, `StoreVersionError` when its schema is newer than this code.
 */
export async function inspectStore(url: string): Promise<StoreInspection> {
  if (isSqlite(url)) return (await import('./sqlite/inspect.js')).inspectSqliteStore(pathOf(url));
  return (await import('./mongo/inspect.js')).inspectMongoStore(url);
}

/** Migrates, and mends indexes where nothing can be lost by it. Says what was mended. Throws what `openStore` throws. */
export async function mendStore(url: string): Promise<Mended> {
  if (isSqlite(url)) return (await import('./sqlite/inspect.js')).mendSqliteStore(pathOf(url));
  return (await import('./mongo/inspect.js')).mendMongoStore(url);
}

const isSqlite = (url: string): boolean => url.startsWith('sqlite:');
const pathOf = (url: string): string => url.slice('sqlite:'.length);
