import type { Command } from 'commander';
import { keyFields, keyJson, keyTable } from './keys.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';

async function listKeys(): Promise<Report> {
  const keys = await withServices(({ keyAdministration }) => keyAdministration.list());
  return { json: { keys: keys.map(keyJson) }, text: keyTable(keys) };
}

export function addKeysList(parent: Command): void {
  subcommand(
    parent,
    'list',
    "List the server's keys, never their material. States of signing keys: next (published, does not sign yet), signing, verifying (its tokens " +
      'may still be good), retired (none can be), revoked. Other keys: current, accepted.',
    { keys: `each with ${keyFields}` },
  ).action(reporting(listKeys));
}
