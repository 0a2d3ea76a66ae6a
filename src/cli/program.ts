import { Command } from 'commander';
import { version } from '../version.js';
import { addDoctor } from './doctor.js';
import { addKeysList } from './keys-list.js';
import { addKeysRevoke } from './keys-revoke.js';
import { addKeysRewrap } from './keys-rewrap.js';
import { addKeysRotate } from './keys-rotate.js';
import { addPurge } from './purge.js';
import { addSchema } from './schema.js';
import { addSessionsList } from './sessions-list.js';
import { addSessionsRevoke } from './sessions-revoke.js';
import { addStart } from './start.js';
import { addUserCreate } from './user-create.js';
import { addUserGrant } from './user-grant.js';
import { addUserList } from './user-list.js';

/** The same on every terminal, so that the manual is what `--help` prints. */
const helpWidth = 120;

/** The commands of `latchkey`. The manual is made from it. Errors are thrown as `CommanderError`, and not printed. */
export function createProgram(): Command {
  const program = new Command('latchkey')
    .description('A self-hosted GraphQL auth API. Settings come from the environment: see docs/configuration.md.')
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, getOutHelpWidth: () => helpWidth })
    .helpCommand(false);
  addStart(program);
  const user = program.command('user').description('accounts');
  for (const add of [addUserCreate, addUserGrant, addUserList]) add(user);
  const sessions = program.command('sessions').description('sessions of all accounts');
  for (const add of [addSessionsList, addSessionsRevoke]) add(sessions);
  const keys = program.command('keys').description("the server's own keys");
  for (const add of [addKeysList, addKeysRotate, addKeysRevoke, addKeysRewrap]) add(keys);
  addPurge(program);
  addSchema(program);
  addDoctor(program);
  return program;
}
