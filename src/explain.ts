import { SealedKeyError } from './auth/server-keys.js';
import { ConfigError } from './config.js';
import { StoreUnavailableError, StoreVersionError } from './store/port.js';

/** One line for each cause that an operator can mend; the whole error for any other. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return `The settings do not allow a start:\n${error.message.replace(/^/gm, '  ')}`;
  if (error instanceof StoreUnavailableError)
    return 'LATCHKEY_STORE_URL: the store cannot be reached. Is it running, and may this process use it?';
  if (error instanceof StoreVersionError || error instanceof SealedKeyError) return error.message;
  if (hasCode(error, ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES']))
    return 'HOST, PORT: the server cannot listen there; is the port in use by another process?';
  if (hasCode(error, fileErrors)) return 'LATCHKEY_DATA_DIR: the folder cannot be made, read or written.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Whether `explain` has a line for it that says what to mend. */
export function isExplained(error: unknown): boolean {
  const known = [ConfigError, StoreUnavailableError, StoreVersionError, SealedKeyError].some((kind) => error instanceof kind);
  return known || hasCode(error, [...fileErrors, 'EACCES']);
}

const fileErrors = ['ENOTDIR', 'EROFS', 'ENOSPC', 'EPERM', 'ENOENT'];
const hasCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
