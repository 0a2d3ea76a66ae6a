import { Argument, type Command } from 'commander';
import { parseRole } from './options.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';
import { userFields, userJson } from './users.js';

async function grantRole(login: string, role: string): Promise<Report> {
  const account = await withServices(({ accounts }) => accounts.grantRole(login, role));
  return { json: { user: userJson(account) }, text: `${account.email}: ${account.roles.join(', ')}` };
}

export function addUserGrant(parent: Command): void {
  subcommand(parent, 'grant', 'Give an account one more role; it acts with the next request. Nothing changes when it is held.', {
    user: userFields,
  })
    .argument('<login>', 'email address or username')
    .addArgument(new Argument('<role>', 'the role: built in, or of the file of settings').argParser(parseRole))
    .action(reporting(grantRole));
}
