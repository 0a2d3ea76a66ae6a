import type { Command } from 'commander';
import type { RevokedSessions } from '../auth/bulk-revocations.js';
import type { SessionFilter } from '../auth/session-search.js';
import { exitCodes } from './exit-codes.js';
import { HaltedError, UsageError } from './failures.js';
import { counted, progress } from './output.js';
import { withServices } from './services.js';
import { addFilterOptions, type FilterOptions, filterOf, givenFilters } from './session-filter.js';
import { sessionFields, sessionJson, sessionTable } from './sessions.js';
import { type Report, reporting, subcommand } from './subcommand.js';

interface Options extends FilterOptions {
  readonly yes?: boolean;
}
type Services = Parameters<Parameters<typeof withServices>[0]>[0];

/** So many are shown to people; JSON has up to 100. */
const mostShown = 20;

async function revokeSessions(ids: readonly string[], options: Options): Promise<Report> {
  const filters = givenFilters(options);
  if (ids.length === 0 && filters.length === 0) throw new UsageError('Name sessions by their ids or by a filter: see --help.');
  if (filters.length === 0) return withServices((services) => revokeByIds(services, [...new Set(ids)]));
  const dryRun = options.yes !== true;
  const result = await withServices(async (services) => {
    const filter = await filterOf(options, services.accounts);
    const isWholeAccount = filters.join() === 'user' && ids.length === 0 && (options.state ?? 'all') === 'all';
    if (!dryRun && isWholeAccount && filter.userId) return services.bulkRevocations.endAllOf(filter.userId, null);
    return revokeByFilter(services, { ...filter, ids: ids.length === 0 ? null : ids }, dryRun);
  });
  return {
    json: { ...json(result), unknown: [] },
    text: dryRun ? preview(result) : `Ended ${counted(result.count, 'session')}.`,
    exitCode: dryRun && result.count === 0 ? exitCodes.refused.code : exitCodes.done.code,
  };
}

async function revokeByFilter({ bulkRevocations }: Services, filter: SessionFilter, dryRun: boolean): Promise<RevokedSessions> {
  let count = 0;
  const onProgress = (soFar: number) => {
    count = soFar;
    progress(`${dryRun ? 'Found' : 'Ended'} ${counted(soFar, 'session')} so far.`);
  };
  try {
    return await bulkRevocations.run({ filter, by: null, dryRun, onProgress });
  } catch (error) {
    if (dryRun) throw error;
    throw new HaltedError(`Ended ${counted(count, 'session')}, perhaps some more, and not all; repeat to finish.`, { count }, error);
  }
}

/** A session that had ended before is no fault, an id that nothing has is one. */
async function revokeByIds(services: Services, ids: readonly string[]): Promise<Report> {
  const result = await revokeByFilter(services, { ids }, false);
  const known = await services.sessionSearch.list({ ids }, { limit: ids.length, after: null });
  const unknown = ids.filter((id) => !known.rows.some(({ session }) => session.id === id));
  const others = known.rows.length - result.count;
  const notes = [
    ...(others > 0 ? [`${counted(others, 'session')} had ended before.`] : []),
    ...(unknown.length > 0 ? [`${counted(unknown.length, 'id')} unknown.`] : []),
  ];
  return {
    json: { ...json(result), unknown },
    text: [`Ended ${counted(result.count, 'session')}.`, ...notes].join(' '),
    exitCode: unknown.length > 0 ? exitCodes.refused.code : exitCodes.done.code,
  };
}

const json = ({ count, dryRun, sessions }: RevokedSessions) => ({ count, dryRun, sessions: sessions.map(sessionJson) });

function preview({ count, sessions }: RevokedSessions): string {
  if (count === 0) return 'No active session fits.';
  const shown = sessions.slice(0, mostShown);
  const rest = count > shown.length ? [`and ${count - shown.length} more`] : [];
  return [sessionTable(shown), ...rest, `${counted(count, 'active session')} would be ended. Nothing was: repeat with --yes.`].join('\n');
}

export function addSessionsRevoke(parent: Command): void {
  const command = subcommand(
    parent,
    'revoke',
    'End active sessions: those with the ids given, at once; those that a filter selects, only with --yes. Ids and a filter together select ' +
      'what fits both. --user alone also ends sign-ins that are under way.',
    {
      count: 'sessions ended, or on a dry run found',
      dryRun: 'true: nothing was ended',
      sessions: `at most 100 of them, each with ${sessionFields}`,
      unknown: 'ids given that no session has',
    },
  ).argument('[id...]', 'ids of sessions');
  addFilterOptions(command).option('--yes', 'end them; without it the filter is only tried').action(reporting(revokeSessions));
}
