#!/usr/bin/env node
import { Command } from 'commander';
import { start } from './start.js';
import { userGrant } from './user-grant.js';

const program = new Command('latchkey')
  .description('A self-hosted GraphQL auth API. Settings come from the environment: see docs/configuration.md.')
  .showHelpAfterError()
  .action(() => program.help());

program.command('start').description('run the server').action(start);

program
  .command('user')
  .description('accounts')
  .command('grant')
  .argument('<login>', 'email address or username')
  .argument('<role>', 'user, support or admin')
  .description('give an account one more role; it acts with the next request')
  .action(userGrant);

await program.parseAsync();
