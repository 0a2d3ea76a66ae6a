import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';

/** What a server does by itself, whatever is asked of it. */
export const ofItself: ReadonlySet<PropertyKey> = new Set([
  'beat',
  'recordUses',
  'readClock',
  'claimMails',
  'listDeletions',
  'listKeys',
  'forgetChanges',
  'purge',
]);

/** A way to a store of which every call that is made for a request is noted by its verb. */
export function counting(calls: string[]) {
  return async (url: string): Promise<Store> =>
    new Proxy(await openStore(url), {
      get: (store, verb) => {
        const value: unknown = Reflect.get(store, verb);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (!ofItself.has(verb)) calls.push(String(verb));
          return Reflect.apply(value, store, args);
        };
      },
    });
}

/** The server says that tokens are judged by its feed: no request reads for that any more. */
export async function untilFeed(url: string): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const { revocations } = (await (await fetch(url.replace('/graphql', '/readyz'))).json()) as { revocations: string };
    if (revocations === 'feed') return;
    if (Date.now() > giveUpAt) throw new Error('the feed is not proven in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
