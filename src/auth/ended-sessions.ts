import { type Store, StoreUnavailableError } from '../store/port.js';
import type { AccountRecord, Ending } from '../store/records.js';
import type { Log } from './log.js';
import { type LifetimeConfig, purgeTime } from './session-lifetime.js';

interface EndedSessionsDeps {
  readonly store: Store;
  readonly log: Log;
  readonly config: LifetimeConfig;
}

/**
 * Writes down, session by session, what a raised epoch has ended. Bookkeeping for lists: it may be cut short, and must not make an act fail
 * that is done.
 */
export async function markEnded({ store, log, config }: EndedSessionsDeps, account: AccountRecord, ending: Ending): Promise<void> {
  const { id: accountId, sessionEpoch: epochBelow, keptSessionId: exceptId } = account;
  try {
    await store.revokeWhere({ accountId, epochBelow, ordinalAtMost: null, exceptId }, ending, purgeTime(ending.at, config));
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    log.warn({ err: error, accountId }, 'sessions are ended, and not all of them are marked as such');
  }
}
