import type { Check } from './check.js';
import { checkSigningKeys, checkWrappings } from './keys.js';
import { checkDisk, checkFiles, checkHashing } from './machine.js';
import { checkSecret, checkSettings } from './settings.js';
import { checkStore } from './store.js';
import { checkCookies, checkProxies } from './web.js';

/**
 * Looks at everything that a server here would depend on, and changes nothing: nothing is migrated or made, no folder either. With `mend` it
 * mends what can be mended without a loss, where there is a database already.
 */
export async function examine({ mend }: { readonly mend: boolean }): Promise<Check[]> {
  const { config, checks } = checkSettings();
  if (config === null) return [...checks];
  const secret = await checkSecret(config);
  const store = await checkStore(config, mend);
  const records = store.found?.keys ?? [];
  const file = store.found?.file ?? fileOf(config.storeUrl);
  return [
    ...checks,
    secret.check,
    ...store.checks,
    ...(store.found === null ? [] : checkSigningKeys(records, config, Date.now() + (store.found.clockOffsetMs ?? 0))),
    ...checkWrappings(records, secret.secrets),
    await checkHashing(config),
    checkProxies(config),
    ...checkCookies(config),
    ...(await checkFiles(config, file, mend)),
    await checkDisk(file),
  ];
}

/** The database file that the URL names, also where it could not be opened. */
function fileOf(storeUrl: string): string | null {
  const path = /^sqlite:(.+)$/.exec(storeUrl)?.[1];
  return path === undefined || path === ':memory:' ? null : path;
}
