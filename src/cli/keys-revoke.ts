import type { Command } from 'commander';
import { keyFields, keyJson } from './keys.js';
import { withServices } from './services.js';
import { type Report, reporting, subcommand } from './subcommand.js';

async function revokeKey(kid: string): Promise<Report> {
  const { key, revoked, successor } = await withServices(({ keyAdministration }) => keyAdministration.revoke(kid));
  const news = revoked ? `Key ${key.kid} is revoked.` : `Key ${key.kid} had been revoked before.`;
  const next = successor === null ? '' : ` Key ${successor.kid} was made and signs from now on.`;
  return {
    json: { revoked, key: keyJson(key), successor: successor && keyJson(successor) },
    text: `${news}${next} Running servers refuse its tokens within 2 s, or a minute where the database has no change streams.`,
  };
}

export function addKeysRevoke(parent: Command): void {
  subcommand(
    parent,
    'revoke',
    'Revoke a signing key: tokens signed with it are refused, and it leaves the JWKS. Running servers learn of it within 2 s by the feed of changes, ' +
      'within a minute where the database has no change streams; until then they still accept, and may still make, tokens of it. ' +
      'Where it was the one that signs, a successor is made that signs at once. Clients get new tokens by refreshing.',
    { revoked: 'false: it had been revoked before', key: keyFields, successor: `the key made to sign at once, or null: ${keyFields}` },
  )
    .argument('<kid>', 'id of the key, as `keys list` shows it')
    .action(reporting(revokeKey));
}
