import { type Config, ConfigError, loadConfig } from '../config.js';
import { readSecret, secretPath } from '../secret-file.js';
import { type Check, fail, ok, warn } from './check.js';

/** The settings as a start reads them: null, with every problem, when they do not allow one. */
export function checkSettings(): { readonly config: Config | null; readonly checks: readonly Check[] } {
  try {
    const config = loadConfig();
    const warnings = config.warnings.map((warning) => warn('settings', warning));
    return { config, checks: warnings.length > 0 ? warnings : [ok('settings', 'allow a start')] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: null, checks: error.problems.map(({ variable, problem }) => fail('settings', `${variable} ${problem}`)) };
  }
}

/** Where the secret comes from, and all that open the store's keys, the present one first; null: there is none yet. */
export async function checkSecret(config: Config): Promise<{ readonly secrets: readonly string[] | null; readonly check: Check }> {
  const others = config.previousSecrets;
  const kept =
    others.length === 0 ? '' : `; ${others.length} more in LATCHKEY_PREVIOUS_SECRETS: remove them when every server has the new one`;
  if (config.secret !== null) {
    const check = ok('secret', `LATCHKEY_SECRET, of at least 32 bytes with 10 different ones${kept}`);
    return { secrets: [config.secret, ...others], check };
  }
  const path = secretPath(config.dataDir);
  try {
    const secret = await readSecret(path);
    if (secret === null) return { secrets: null, check: ok('secret', `none yet: the first start makes ${path}`) };
    return {
      secrets: [secret, ...others],
      check: warn('secret', `${path}, beside the data it protects: set LATCHKEY_SECRET in production`),
    };
  } catch (error) {
    const problem = error instanceof ConfigError ? error.message : `${path} cannot be read by this user`;
    return { secrets: null, check: fail('secret', problem) };
  }
}
