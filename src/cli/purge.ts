import type { Command } from 'commander';
import { HaltedError } from './failures.js';
import { counted } from './output.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';

async function purge(): Promise<Report> {
  const removed = await withServices(async (services) => {
    let count = 0;
    try {
      return await services.purge((soFar) => {
        count = soFar;
      });
    } catch (error) {
      throw new HaltedError(`Removed ${counted(count, 'record')}, perhaps some more, and not all; repeat to finish.`, { count }, error);
    }
  });
  return { json: { removed }, text: `Removed ${counted(removed, 'record')}.` };
}

export function addPurge(parent: Command): void {
  subcommand(
    parent,
    'purge',
    'Remove what is due: sessions, events of the audit log, tallies, waiting sign-ups, mails. Servers do it by themselves.',
    {
      removed: 'records removed',
    },
  ).action(reporting(purge));
}
