import type { SessionQuery } from '../queries.js';
import type { Values } from './connection.js';

/** `id IS` and not `=`: a comparison with a missing kept session is false then, and not unknown. */
const current = '(epoch = :epoch OR id IS :keptSessionId)';

const conditions = {
  ACTIVE: `revoked IS NULL AND idle_expires_at > :now AND ${current}`,
  EXPIRED: `revoked IS NULL AND idle_expires_at <= CASE WHEN ${current} THEN :now ELSE :raisedAt END`,
  REVOKED: `(revoked IS NOT NULL OR (NOT ${current} AND idle_expires_at > :raisedAt))`,
} as const;

/** The condition that selects what `query` asks for, and the values that it names. */
export function sessionFilter(query: SessionQuery): { readonly where: string; readonly values: Values } {
  const { accountId, state, now, epoch, keptSessionId, epochRaisedAt } = query;
  if (state === null) return { where: 'account_id = :accountId', values: { accountId } };
  return {
    where: `account_id = :accountId AND ${conditions[state]}`,
    // By this node's clock nothing has expired yet that ends after `now`, whatever the clock of the node that raised the epoch said.
    values: { accountId, now, epoch, keptSessionId, raisedAt: Math.min(epochRaisedAt ?? now, now) },
  };
}
