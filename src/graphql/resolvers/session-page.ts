import type { Account } from '../../auth/account.js';
import type { SessionState } from '../../auth/sessions.js';
import type { GraphQLContext } from '../context.js';
import { connectionOf, type PageArguments, pageOf } from '../paging.js';
import type { SessionConnection } from '../types/account.js';
import { toSessionType } from './answers.js';

/** A page of an account's sessions; an empty one when the account was deleted meanwhile. Throws `BAD_USER_INPUT` (`first`, `after`). */
export async function sessionPage(
  { services }: GraphQLContext,
  account: Account | null,
  args: PageArguments,
  state: SessionState | null,
): Promise<SessionConnection> {
  const page = pageOf(args);
  const rows = account === null ? [] : await services.sessions.list(account, state, { ...page, limit: page.limit + 1 });
  const count = () => (account === null ? Promise.resolve(0) : services.sessions.count(account, state));
  return { ...connectionOf(rows, page, toSessionType), count };
}
