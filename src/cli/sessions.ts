import type { FoundSession } from '../auth/session-search.js';
import { instant, moment, table } from './output.js';

/** What the JSON of every command says of a session. */
export const sessionFields =
  'id, user (id, email, username; null: deleted), state, createdAt, lastSeenAt, idleExpiresAt, expiresAt, ipAddress, userAgent, ' +
  'device (label, browser, os, kind), refreshCount, revokedAt, revocationReason';

export function sessionJson({ session, account }: FoundSession): object {
  const { label, browser, os, kind } = session.device;
  return {
    id: session.id,
    user: account && { id: account.id, email: account.email, username: account.username },
    state: session.state,
    createdAt: instant(session.createdAt),
    lastSeenAt: instant(session.lastSeenAt),
    idleExpiresAt: instant(session.idleExpiresAt),
    expiresAt: instant(session.expiresAt),
    ipAddress: session.ipAddress,
    userAgent: session.userAgent,
    device: { label, browser, os, kind },
    refreshCount: session.refreshCount,
    revokedAt: instant(session.revokedAt),
    revocationReason: session.revocationReason,
  };
}

export function sessionTable(found: readonly FoundSession[]): string {
  const heads = ['STATE', 'USER', 'DEVICE', 'ADDRESS', 'CREATED', 'LAST SEEN', 'ID'];
  const rows = found.map(({ session, account }) => [
    session.revocationReason === null ? session.state : `${session.state} (${session.revocationReason})`,
    account?.email ?? '(deleted)',
    session.device.label,
    session.ipAddress ?? '',
    moment(session.createdAt),
    moment(session.lastSeenAt),
    session.id,
  ]);
  return table(heads, rows);
}
