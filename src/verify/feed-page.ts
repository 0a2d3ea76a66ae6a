import { isTexts } from './claims.js';

/** A page of `GET /revocations`, as docs/services.md has it. Instants are in seconds since 1970 by the server's clock. */
export interface FeedPage {
  readonly cursor: string;
  readonly as_of: number;
  readonly complete: boolean;
  readonly more: boolean;
  readonly ttl: number;
  readonly sessions: readonly ToldSession[];
  readonly accounts: readonly ToldAccount[];
}

export interface ToldSession {
  readonly sid: string;
  readonly at: number;
  readonly reason: string;
  readonly exp: number;
}

export interface ToldAccount {
  readonly sub: string;
  readonly ver: number;
  readonly epoch: number;
  readonly kept_sid: string | null;
  readonly roles: readonly string[];
  readonly scope: string;
  readonly disabled: { readonly at: number; readonly until: number | null } | null;
  readonly at: number | null;
  readonly reason: string | null;
  readonly exp: number;
}

type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isNullOr = (is: (value: unknown) => boolean) => (value: unknown) => value === null || is(value);

const isSession = (value: unknown): boolean =>
  isObject(value) && isText(value.sid) && isText(value.reason) && isNumber(value.at) && isNumber(value.exp);

const isDisabled = (value: unknown): boolean => isObject(value) && isNumber(value.at) && isNullOr(isNumber)(value.until);

const isAccount = (value: unknown): boolean =>
  isObject(value) &&
  [value.sub, value.scope].every(isText) &&
  [value.ver, value.epoch, value.exp].every(isNumber) &&
  [value.kept_sid, value.reason].every(isNullOr(isText)) &&
  isNullOr(isNumber)(value.at) &&
  isNullOr(isDisabled)(value.disabled) &&
  isTexts(value.roles);

/**
 * Throws an `Error` for what is no whole page: an entry that is not understood must not be passed over, for it may be a revocation. Members that
 * are not known are ignored.
 */
export function parsePage(value: unknown): FeedPage {
  const isPage =
    isObject(value) &&
    isText(value.cursor) &&
    [value.as_of, value.ttl].every(isNumber) &&
    [value.complete, value.more].every((flag) => typeof flag === 'boolean') &&
    Array.isArray(value.sessions) &&
    value.sessions.every(isSession) &&
    Array.isArray(value.accounts) &&
    value.accounts.every(isAccount);
  if (!isPage) throw new Error('revocations: the answer is no page of the feed');
  return value as unknown as FeedPage;
}
