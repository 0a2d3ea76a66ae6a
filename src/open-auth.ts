import type { Logger } from 'pino';
import type { MachineClocks } from './auth/clock.js';
import { type Meter, noMeter } from './auth/meter.js';
import type { OwnClaimsSource } from './auth/own-claims.js';
import type { Config } from './config.js';
import { createLogger } from './log.js';
import { openMailer } from './mail/open.js';
import type { Mailer } from './mail/port.js';
import { secretFromDataFolder } from './secret-file.js';
import { openServices } from './services.js';
import { openStore } from './store/open.js';
import type { Store } from './store/port.js';

export interface AppOptions {
  readonly logger?: Logger;
  /** By default the one that the settings name. Null: none. */
  readonly mailer?: Mailer | null;
  readonly ownClaims?: OwnClaimsSource | null;
  /** For tests. */
  readonly clocks?: MachineClocks;
  /** For tests: another way to the store. */
  readonly openStore?: (url: string) => Promise<Store>;
}

interface Observer {
  readonly meter: Meter;
  readonly observeStore: (store: Store) => Store;
}
const unobserved: Observer = { meter: noMeter, observeStore: (store) => store };

/** The secrets that open the store's keys: those of the settings or, outside production, one kept in the data folder. */
async function secretsOf(config: Config): Promise<{ readonly secrets: string[]; readonly path: string | null }> {
  if (config.secret !== null) return { secrets: [config.secret, ...config.previousSecrets], path: null };
  const { secret, path } = await secretFromDataFolder(config.dataDir);
  return { secrets: [secret, ...config.previousSecrets], path };
}

/** Store and services without HTTP, for the command line. Throws `StoreUnavailableError`, `StoreVersionError`, `SealedKeyError`. */
export async function openAuth(config: Config, options: AppOptions = {}, observer: Observer = unobserved) {
  const { logger = createLogger(config.logLevel), ownClaims, clocks } = options;
  const mailer = options.mailer === undefined ? await openMailer(config, logger) : options.mailer;
  const { secrets, path } = await secretsOf(config);
  const store = observer.observeStore(await (options.openStore ?? openStore)(config.storeUrl));
  try {
    const services = await openServices({ config, secrets, store, log: logger, meter: observer.meter, mailer, ownClaims, clocks });
    const close = async () => {
      await services.close();
      await store.close();
    };
    return { services, store, logger, secretPath: path, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}
