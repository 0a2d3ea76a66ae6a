import { type Store, StoreUnavailableError } from '../store/port.js';
import type { RevocationReason } from '../store/records.js';
import type { Metrics } from './metrics.js';
import type { Tracing } from './tracing.js';

interface StoreObservers {
  readonly metrics: Metrics | null;
  readonly tracing: Tracing | null;
}

/** Its members that are called. */
type Verb = { [V in keyof Store]: Store[V] extends (...args: never[]) => unknown ? V : never }[keyof Store];
type Ended = { readonly reason: RevocationReason; readonly count: number };

/** The verbs that end sessions one by one, and how many sessions a call has ended. */
const endings: { readonly [V in Verb]?: (args: Parameters<Store[V]>, result: Awaited<ReturnType<Store[V]>>) => Ended } = {
  revoke: ([, , { reason }], result) => ({ reason, count: result?.ended === true ? 1 : 0 }),
  revokeWhere: ([, { reason }], count) => ({ reason, count }),
  revokeMany: ([, { reason }], ids) => ({ reason, count: ids.length }),
};

type AnyVerb = (...args: unknown[]) => Promise<unknown>;

function observed(store: Store, verb: string, call: AnyVerb, { metrics, tracing }: StoreObservers): AnyVerb {
  const endingOf = Object.hasOwn(endings, verb) ? (endings[verb as Verb] as (args: unknown[], result: unknown) => Ended) : null;
  metrics?.storeVerbKnown(verb);
  return async (...args) => {
    const startedAt = performance.now();
    const span = tracing?.startStoreVerb(verb);
    let failure: unknown;
    try {
      const result = await Reflect.apply(call, store, args);
      const ended = endingOf?.(args, result);
      if (ended !== undefined && ended.count > 0) metrics?.sessionsEnded(ended.reason, ended.count);
      return result;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      metrics?.storeCalled(verb, (performance.now() - startedAt) / 1000, failure instanceof StoreUnavailableError);
      span?.end(failure);
    }
  };
}

/** The store, with every call of every verb measured and, within a traced request, followed by a span. */
export function observeStore(store: Store, observers: StoreObservers): Store {
  const verbs = new Map<PropertyKey, unknown>();
  return new Proxy(store, {
    get(target, name) {
      const known = verbs.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      const verb = observed(target, name, value as AnyVerb, observers);
      verbs.set(name, verb);
      return verb;
    },
  });
}
