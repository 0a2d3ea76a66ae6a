import { type Store, StoreUnavailableError } from '../store/port.js';
import type { AccountRecord, DeletionRecord } from '../store/records.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { type LifetimeConfig, purgeTime } from './session-lifetime.js';

/** A sign-in that had begun before the deletion may write its session as late as this. */
const lateSignInMs = 60_000;
const deletionsAtOnce = 100;

interface AccountDeletionsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: LifetimeConfig;
}

/** Deletes accounts: one update, then what may be cut short or done twice. */
export class AccountDeletions {
  constructor(private readonly deps: AccountDeletionsDeps) {}

  /**
   * Leaves a record without personal data for as long as tokens and lists of sessions need it, ends the sessions and erases what they tell
   * of the person. `by`: who acts. `expectedEpoch`: the one in which they proved to be the account's person. False (and nothing changed)
   * when rights or epoch are no longer those.
   */
  async delete(account: AccountRecord, by: string, expectedEpoch?: number): Promise<boolean> {
    const { store, clock, log } = this.deps;
    const ending = { at: clock.now(), reason: 'ACCOUNT_DELETED', by } as const;
    if (!(await store.deleteAccount(account.id, account.rightsVersion, ending, expectedEpoch))) return false;
    try {
      await this.finish({ accountId: account.id, ending });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      log.warn({ err: error, accountId: account.id }, 'an account is deleted, its sessions will be erased within some minutes');
    }
    return true;
  }

  /** Finishes deletions that were cut short, and takes care of sign-ins that came too late. For a schedule: one that fails waits for its next turn. */
  async finishAll(): Promise<void> {
    const { store, clock, log, config } = this.deps;
    for (const deletion of await store.listDeletions(clock.now() - lateSignInMs, deletionsAtOnce)) {
      try {
        await this.finish(deletion);
        await store.finishDeletion(deletion.accountId, purgeTime(deletion.ending.at, config));
      } catch (error) {
        log.warn({ err: error, accountId: deletion.accountId }, 'a deletion of an account could not be finished; it is tried again');
      }
    }
  }

  private async finish({ accountId, ending }: DeletionRecord): Promise<void> {
    const { store, config } = this.deps;
    const everything = { accountId, epochBelow: null, ordinalAtMost: null, exceptId: null };
    await store.revokeWhere(everything, ending, purgeTime(ending.at, config));
    await store.eraseTraces(accountId);
  }
}
