import type { Storage } from '@graphiql/toolkit';

/**
 * What GraphiQL would write to `localStorage` holds passwords in variables and tokens in headers and history. Here it lasts as long
 * as the page. `initial`: what the page begins with, as GraphiQL names it.
 */
export function createMemoryStorage(initial: Readonly<Record<string, string>> = {}): Storage {
  const items = new Map(Object.entries(initial));
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
    get length() {
      return items.size;
    },
  };
}
