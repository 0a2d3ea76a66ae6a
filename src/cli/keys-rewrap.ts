import type { Command } from 'commander';
import { exitCodes } from './exit-codes.js';
import { counted } from './output.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';

async function rewrapKeys({ yes = false }: { readonly yes?: boolean }): Promise<Report> {
  const result = await withServices(({ keyAdministration }) => keyAdministration.rewrap(!yes));
  const { keys, added, removed, contested } = result;
  const work = `${counted(added, 'wrapping')} to add, ${removed} under secrets that are not configured to remove`;
  const texts = yes
    ? [`${counted(keys, 'key')}: added ${counted(added, 'wrapping')}, removed ${removed}.`]
    : [`${counted(keys, 'key')}: ${work}. Nothing was changed: repeat with --yes.`];
  if (contested > 0) texts.push(`${counted(contested, 'key')} changed meanwhile and kept their wrappings: repeat.`);
  return {
    json: { dryRun: !yes, ...result },
    text: texts.join(' '),
    exitCode: contested > 0 ? exitCodes.refused.code : exitCodes.done.code,
  };
}

export function addKeysRewrap(parent: Command): void {
  subcommand(
    parent,
    'rewrap',
    'Wrap every key under all configured secrets, and remove what is wrapped under others, so that a secret that was replaced opens nothing any ' +
      'more. First restart every server without the old secret: one that still has it would wrap the keys under it again.',
    {
      dryRun: 'true: nothing was changed',
      keys: 'keys in the store',
      added: 'wrappings added, or on a dry run to add',
      removed: 'wrappings removed, or to remove',
      contested: 'keys that somebody else changed meanwhile; repeat',
    },
  )
    .option('--yes', 'do it; without it the work is only counted')
    .action(reporting(rewrapKeys));
}
