import type { Account } from '../../auth/account.js';
import type { SessionState } from '../../auth/sessions.js';
import type { GraphQLContext } from '../context.js';
import { connectionOf, type PageArguments, pageOf } from '../paging.js';
import type { SessionConnection } from '../types/account.js';
import { toSessionType } from './answers.js';

/** What a list or a count costs besides its rows: it may walk thousands of entries to find few that fit, so neither is free. */
export const rowsOfALook = 10;

/**
 * A page of an account's sessions; an empty one when the account was deleted meanwhile. Throws `BAD_USER_INPUT` (`first`, `after`) and
 * `QUERY_TOO_COMPLEX` when the request's lists ask for too many rows together.
 */
export async function sessionPage(
  context: GraphQLContext,
  account: Account | null,
  args: PageArguments,
  state: SessionState | null,
): Promise<SessionConnection> {
  const { services } = context;
  const page = pageOf(args);
  context.takeRows(rowsOfALook + page.limit);
  const rows = account === null ? [] : await services.sessions.list(account, state, { ...page, limit: page.limit + 1 });
  const count = async () => {
    context.takeRows(rowsOfALook);
    return account === null ? 0 : services.sessions.count(account, state);
  };
  return { ...connectionOf(rows, page, toSessionType), count };
}
