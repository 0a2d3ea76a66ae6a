import { type Command, Option } from 'commander';
import { AuthError } from '../auth/errors.js';
import type { SessionFilter } from '../auth/session-search.js';
import { type DeviceKind, deviceKinds, type EpochMs } from '../store/records.js';
import { at, role } from './options.js';

/** The options that select sessions, as commander gives them. */
export interface FilterOptions {
  readonly user?: string;
  readonly state?: 'active' | 'expired' | 'revoked' | 'all';
  readonly ip?: string;
  readonly agent?: string;
  readonly device?: string;
  readonly createdBefore?: EpochMs;
  readonly createdAfter?: EpochMs;
  readonly seenBefore?: EpochMs;
  readonly seenAfter?: EpochMs;
  readonly role?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--user <login-or-id>', 'of this account: email address, username or id')
    .addOption(new Option('--state <state>', 'in this state').choices(['active', 'expired', 'revoked', 'all']))
    .option('--ip <address>', 'from this address, the whole of it')
    .option('--agent <text>', 'with this text in the user agent, whatever the case of A to Z')
    .addOption(new Option('--device <kind>', 'on this kind of device').choices(deviceKinds.map((kind) => kind.toLowerCase())))
    .addOption(at('--created-before', 'signed in earlier than this'))
    .addOption(at('--created-after', 'signed in at this instant or later'))
    .addOption(at('--seen-before', 'last seen earlier than this'))
    .addOption(at('--seen-after', 'last seen at this instant or later'))
    .addOption(role('--role <role>', 'of holders of this role'));
}

/** Throws `AuthError` `NOT_FOUND` when nobody has this login. */
export async function filterOf(options: FilterOptions, accounts: { findId(name: string): Promise<string | null> }): Promise<SessionFilter> {
  const { user, state, ip, agent, device, createdBefore, createdAfter, seenBefore, seenAfter, role: held } = options;
  const userId = user === undefined ? null : await accounts.findId(user);
  if (user !== undefined && userId === null) throw new AuthError('NOT_FOUND', { field: 'login' });
  return {
    userId,
    state: state === undefined || state === 'all' ? null : (state.toUpperCase() as SessionFilter['state']),
    ipAddress: ip,
    userAgent: agent,
    deviceKind: (device?.toUpperCase() as DeviceKind | undefined) ?? null,
    createdBefore,
    createdAfter,
    lastSeenBefore: seenBefore,
    lastSeenAfter: seenAfter,
    role: held,
  };
}

/** Which options were given, the state left aside: it selects nobody by itself. */
export function givenFilters({
  user,
  ip,
  agent,
  device,
  createdBefore,
  createdAfter,
  seenBefore,
  seenAfter,
  role: held,
}: FilterOptions): string[] {
  const narrowing = { user, ip, agent, device, createdBefore, createdAfter, seenBefore, seenAfter, role: held };
  return Object.entries(narrowing)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name]) => name);
}
