import type { Command } from 'commander';
import { collectRole } from './options.js';
import { readNewPassword } from './password-input.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';
import { userFields, userJson } from './users.js';

interface Options {
  readonly username?: string;
  readonly role?: readonly string[];
  readonly verified?: boolean;
}

async function createUser(email: string, { username, role: roles = [], verified = false }: Options): Promise<Report> {
  const password = await readNewPassword(process.stdin, process.stderr);
  const account = await withServices(({ accounts }) => accounts.create({ email, username, password, roles, emailVerified: verified }));
  return { json: { user: userJson(account) }, text: `${account.email}: ${account.roles.join(', ')}` };
}

export function addUserCreate(parent: Command): void {
  subcommand(
    parent,
    'create',
    'Make an account, by the rules of sign-up, whether or not sign-up is open. The password is asked for twice at a terminal; ' +
      'else it is the first line of standard input.',
    { user: userFields },
  )
    .argument('<email>', 'email address')
    .option('--username <name>', '3 to 32 letters, digits, dots, hyphens and underscores')
    .option('--role <role>', 'a role besides the one that every account has; may be repeated', collectRole)
    .option('--verified', 'the address needs no verification')
    .action(reporting(createUser));
}
