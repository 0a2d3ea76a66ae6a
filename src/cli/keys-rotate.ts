import type { Command } from 'commander';
import { keyFields, keyJson } from './keys.js';
import { moment } from './output.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';

async function rotateKey(): Promise<Report> {
  const { key, made } = await withServices(({ keyAdministration }) => keyAdministration.rotate());
  const news = made ? 'was made' : 'is on its way already';
  return { json: { made, key: keyJson(key) }, text: `Signing key ${key.kid} ${news}: it signs from ${moment(key.activatesAt)}.` };
}

export function addKeysRotate(parent: Command): void {
  subcommand(
    parent,
    'rotate',
    'Make the next signing key now. Running servers publish it within 2 s, or a minute where the database has no change streams; it signs after ten minutes, when every verifier has had time ' +
      'to fetch it. Where one is on its way already, none is made.',
    { made: 'false: it was on its way already', key: keyFields },
  ).action(reporting(rotateKey));
}
