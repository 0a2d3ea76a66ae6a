import { type Command, Option } from 'commander';
import { exitCodes } from './exit-codes.js';
import { after, cursor, fullPage, limit, role } from './options.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';
import { userFields, userJson, userTable } from './users.js';

interface Options {
  readonly search?: string;
  readonly role?: string;
  readonly disabled?: boolean;
  readonly enabled?: boolean;
  readonly verified?: boolean;
  readonly unverified?: boolean;
  readonly limit: number;
  readonly after?: { readonly createdAt: number; readonly id: string };
}

/** True, false, or null where neither was asked for. */
const either = (yes: boolean | undefined, no: boolean | undefined): boolean | null => (yes ? true : no ? false : null);

async function listUsers(options: Options): Promise<Report> {
  const { search, role: held, disabled, enabled, verified, unverified } = options;
  const filter = { search, role: held, disabled: either(disabled, enabled), emailVerified: either(verified, unverified) };
  const { rows, next } = await withServices(({ accountDirectory }) => fullPage(options, (page) => accountDirectory.list(filter, page)));
  const more = next === null ? [] : [`More: --after ${cursor(next)}`];
  return {
    json: { users: rows.map(userJson), next: cursor(next) },
    text: rows.length === 0 ? 'No account fits.' : [userTable(rows), ...more].join('\n'),
    exitCode: rows.length === 0 ? exitCodes.refused.code : exitCodes.done.code,
  };
}

export function addUserList(parent: Command): void {
  subcommand(parent, 'list', 'List accounts, newest first.', {
    users: `each with ${userFields}`,
    next: 'for --after; null at the end of the list',
  })
    .option('--search <text>', 'start of an email address or username')
    .addOption(role('--role <role>', 'holders of this role'))
    .option('--disabled', 'those that may not sign in at present')
    .addOption(new Option('--enabled', 'those that may').conflicts('disabled'))
    .option('--verified', 'those with a verified address')
    .addOption(new Option('--unverified', 'those without').conflicts('verified'))
    .addOption(limit())
    .addOption(after())
    .action(reporting(listUsers));
}
