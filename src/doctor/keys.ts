import { keyFacts } from '../auth/key-administration.js';
import { KeyWrapping } from '../auth/wrapped-keys.js';
import type { Config } from '../config.js';
import type { EpochMs, KeyRecord } from '../store/records.js';
import { type Check, fail, ok, warn } from './check.js';

type KeyConfig = Pick<Config, 'keyRotationSeconds' | 'accessTokenTtlSeconds'>;

const dayMs = 86_400_000;

/** The signing keys of a store that has been used: their ages, and whether one can sign. */
export function checkSigningKeys(records: readonly KeyRecord[], config: KeyConfig, now: EpochMs): Check[] {
  const name = 'signing keys';
  const keys = keyFacts(records, now, config.accessTokenTtlSeconds).filter(({ purpose }) => purpose === 'signing');
  if (keys.length === 0) return [ok(name, 'none yet: the first start makes one')];
  const signer = keys.find(({ state }) => state === 'signing');
  if (signer === undefined) return [fail(name, 'all are revoked: a running server makes one within a minute, a start at once')];
  if (signer.activatesAt > now) return [warn(name, 'none is active yet: the next one is used before its time, unknown to some verifiers')];
  const age = Math.floor((now - signer.activatesAt) / dayMs);
  const facts = `${signer.kid} signs, for ${age} days`;
  const isFollowed = keys.some(({ state }) => state === 'next');
  const isOverdue = config.keyRotationSeconds > 0 && now > signer.activatesAt + config.keyRotationSeconds * 1000 + dayMs;
  if (isOverdue && !isFollowed) return [warn(name, `${facts}: its rotation is overdue. No server seems to run; start one, or keys rotate`)];
  return [ok(name, isFollowed ? `${facts}; the next one is published` : facts)];
}

/** Whether the configured secrets open the keys, and which others do. `secrets` null: there is none yet. */
export function checkWrappings(records: readonly KeyRecord[], secrets: readonly string[] | null): Check[] {
  const name = 'wrappings';
  if (records.length === 0) return [];
  const wrapping = secrets === null ? null : new KeyWrapping(secrets);
  if (wrapping === null || records.some((record) => wrapping.open(record) === null)) {
    return [fail(name, 'the configured secrets do not open the keys in the store: name the secret that they were made with')];
  }
  const checks: Check[] = [];
  if (records.some((record) => wrapping.failing(record).length > 0)) {
    checks.push(warn(name, 'not every key is wrapped under every configured secret: the next start sees to it, or keys rewrap --yes'));
  }
  if (records.some((record) => wrapping.foreign(record).length > 0)) {
    checks.push(warn(name, 'secrets that are not configured open keys as well: keys rewrap --yes, when no server has them any more'));
  }
  return checks.length > 0 ? checks : [ok(name, 'the configured secrets open every key, and no others do')];
}
