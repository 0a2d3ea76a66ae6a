import type { Store } from '../store/port.js';
import type { AccountQuery, CreationPosition, Page } from '../store/queries.js';
import { type Account, toAccount } from './account.js';
import type { Clock } from './clock.js';
import { isWellFormed } from './identifiers.js';
import { isDisabled } from './liveness.js';
import type { RoleBook } from './role-book.js';

/** What is left out, or null, does not narrow. */
export interface UserFilter {
  /** Start of an email address or username, without regard to case. */
  readonly search?: string | null;
  readonly role?: string | null;
  readonly disabled?: boolean | null;
  readonly emailVerified?: boolean | null;
}

/** Rows of a list, newest first. `next` is where to read on, and null at the end: a page may be short before that. */
export interface ResultPage<Row> {
  readonly rows: readonly Row[];
  readonly next: CreationPosition | null;
}

/** One page looks at this many pieces of the store's list at most, however few rows fit. */
const mostReads = 20;
/** Where a count stops. */
const mostCounted = 10_000;

/** Reads on until `limit` rows are found, the list ends, or enough was looked at. */
export async function fill<Row>(
  { limit, after }: Page<CreationPosition>,
  read: (page: Page<CreationPosition>) => Promise<ResultPage<Row>>,
): Promise<ResultPage<Row>> {
  const rows: Row[] = [];
  let next = after;
  for (let reads = 0; reads < mostReads; reads += 1) {
    const page = await read({ limit: limit - rows.length, after: next });
    rows.push(...page.rows);
    next = page.next;
    if (next === null || rows.length >= limit) break;
  }
  return { rows, next };
}

interface AccountDirectoryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly roles: RoleBook;
}

/** All accounts, for whoever may see them all. Who may is not decided here. */
export class AccountDirectory {
  constructor(private readonly deps: AccountDirectoryDeps) {}

  /** Throws `AuthError` `BAD_USER_INPUT` for an unknown role. */
  async list(filter: UserFilter, page: Page<CreationPosition>): Promise<ResultPage<Account>> {
    const query = this.query(filter);
    if (query === null) return { rows: [], next: null };
    const { rows, next } = await fill(page, (part) => this.deps.store.listAccounts(query, part));
    return { rows: rows.map((record) => toAccount(record, this.deps.roles)), next };
  }

  /** At most 10,000. Throws what `list` throws. */
  async count(filter: UserFilter): Promise<number> {
    const query = this.query(filter);
    return query === null ? 0 : this.deps.store.countAccounts(query, mostCounted);
  }

  /** What keeps the account from signing in; null when nothing does, or its end has come. */
  disabledOf(account: Account): Account['disabled'] {
    return isDisabled(account, this.deps.clock.now()) ? account.disabled : null;
  }

  /** Null: nothing can fit. */
  private query({ search, role, disabled, emailVerified }: UserFilter): AccountQuery | null {
    if (role !== null && role !== undefined) this.deps.roles.check([role], 'role');
    // Addresses are kept trimmed, composed and in lower case (`normalizeEmail`).
    const text = search?.slice(0, 1_024).trim().normalize('NFC').toLowerCase().normalize('NFC') ?? null;
    if (text !== null && !isWellFormed(text)) return null;
    return {
      search: text,
      role: role ?? null,
      disabled: disabled ?? null,
      emailVerified: emailVerified ?? null,
      now: this.deps.clock.now(),
    };
  }
}
