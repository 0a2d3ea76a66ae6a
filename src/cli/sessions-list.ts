import type { Command } from 'commander';
import { exitCodes } from './exit-codes.js';
import { after, cursor, fullPage, limit } from './options.js';
import { withServices } from './services.js';
import { addFilterOptions, type FilterOptions, filterOf } from './session-filter.js';
import { sessionFields, sessionJson, sessionTable } from './sessions.js';
import { type Report, reporting, subcommand } from './subcommand.js';

interface Options extends FilterOptions {
  readonly limit: number;
  readonly after?: { readonly createdAt: number; readonly id: string };
}

async function listSessions(options: Options): Promise<Report> {
  const { rows, next } = await withServices(async ({ accounts, sessionSearch }) => {
    const filter = await filterOf({ state: 'active', ...options }, accounts);
    return fullPage(options, (page) => sessionSearch.list(filter, page));
  });
  const more = next === null ? [] : [`More: --after ${cursor(next)}`];
  return {
    json: { sessions: rows.map(sessionJson), next: cursor(next) },
    text: rows.length === 0 ? 'No session fits.' : [sessionTable(rows), ...more].join('\n'),
    exitCode: rows.length === 0 ? exitCodes.refused.code : exitCodes.done.code,
  };
}

export function addSessionsList(parent: Command): void {
  const command = subcommand(
    parent,
    'list',
    'List sessions of all accounts, newest sign-in first: the active ones unless --state says otherwise.',
    {
      sessions: `each with ${sessionFields}`,
      next: 'for --after; null at the end of the list',
    },
  );
  addFilterOptions(command).addOption(limit()).addOption(after()).action(reporting(listSessions));
}
