import type { KeyFacts } from '../auth/key-administration.js';
import { instant, moment, table } from './output.js';

/** What the JSON of every command says of a key. */
export const keyFields = 'kid, purpose, algorithm, state, createdAt, activatesAt, revokedAt';

export function keyJson(key: KeyFacts): object {
  return {
    kid: key.kid,
    purpose: key.purpose,
    algorithm: key.algorithm,
    state: key.state,
    createdAt: instant(key.createdAt),
    activatesAt: instant(key.activatesAt),
    revokedAt: instant(key.revokedAt),
  };
}

export function keyTable(keys: readonly KeyFacts[]): string {
  const heads = ['KID', 'PURPOSE', 'ALGORITHM', 'STATE', 'CREATED', 'ACTIVATES'];
  const rows = keys.map(({ kid, purpose, algorithm, state, createdAt, activatesAt }) => [
    kid,
    purpose,
    algorithm ?? '',
    state,
    moment(createdAt),
    moment(activatesAt),
  ]);
  return table(heads, rows);
}
