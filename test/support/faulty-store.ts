import { openStore } from '../../src/store/open.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';

/** A store that fails at one chosen call: before it is made, or after it took effect with the reply lost. */
export interface FaultyStore {
  readonly open: (url: string) => Promise<Store>;
  /** Arms the fault for the nth call from now, counted from 0; the calls after it fail too while `lasting`. */
  arm(nth: number, fault: 'before' | 'after', lasting: boolean): void;
  /** Takes the fault away and says how many calls were made since it was armed. */
  disarm(): number;
}

/** The outbox works by its own schedule, whatever request is tried. */
const outboxVerbs: ReadonlySet<unknown> = new Set(['claimMails', 'releaseMail', 'removeMail']);

export function createFaultyStore(): FaultyStore {
  let calls = 0;
  let armed: { readonly nth: number; readonly fault: 'before' | 'after'; readonly lasting: boolean } | null = null;
  const isHit = (call: number): boolean => armed !== null && (call === armed.nth || (armed.lasting && call > armed.nth));

  const guard = (store: Store): Store =>
    new Proxy(store, {
      get(target, verb) {
        const original: unknown = Reflect.get(target, verb);
        if (typeof original !== 'function') return original;
        if (outboxVerbs.has(verb)) return original.bind(target);
        return async (...args: unknown[]) => {
          // The feed of revocations strikes its beats whenever it likes: they are no calls of the request that is tried.
          const hit = isHit(calls);
          if (verb !== 'beat') calls += 1;
          if (hit && armed?.fault === 'before') throw new StoreUnavailableError(new Error('the connection was refused'));
          const result: unknown = await Reflect.apply(original, target, args);
          if (hit) throw new StoreUnavailableError(new Error('the reply was lost'));
          return result;
        };
      },
    });

  return {
    open: async (url) => guard(await openStore(url)),
    arm: (nth, fault, lasting) => {
      calls = 0;
      armed = { nth, fault, lasting };
    },
    disarm: () => {
      armed = null;
      return calls;
    },
  };
}
