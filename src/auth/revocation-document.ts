import type { EpochMs } from '../store/records.js';
import type { ProvenRevocations } from './revocation-feed.js';
import type { NumberedEntry } from './revocation-set.js';
import type { RoleBook } from './role-book.js';

/** Beneath 1 MB with what surrounds the entries. */
const mostEntryBytes = 950_000;

export interface RevocationPage {
  /** The document, as JSON. */
  readonly text: string;
  readonly isEmpty: boolean;
}

interface PageOptions {
  readonly proven: ProvenRevocations;
  /** The number of the last entry that the reader has; null: it has none of this life, and gets all. */
  readonly after: number | null;
  readonly roles: RoleBook;
  readonly accessTokenTtlSeconds: number;
}

/** NumericDate (RFC 7519 2): seconds, the milliseconds as decimals. */
const seconds = (instant: EpochMs): number => instant / 1000;

/**
 * The document of `GET /revocations` (docs/services.md): what a verifier must know to decide as `RevocationSet.judge` does, one page of at
 * most 1 MB. Who ended a session, and why an account was disabled, is left out.
 */
export function revocationPage({ proven, after, roles, accessTokenTtlSeconds }: PageOptions): RevocationPage {
  const { entries, asOf } = proven;
  const sessions: string[] = [];
  const accounts: string[] = [];
  let bytes = 0;
  let last = entries.lastNumber;
  let reached = after ?? 0;
  let more = false;
  for (const entry of entries.since(after ?? 0)) {
    const text = JSON.stringify(toldOf(entry, roles));
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > mostEntryBytes) {
      more = true;
      last = reached;
      break;
    }
    (entry.kind === 'session' ? sessions : accounts).push(text);
    reached = entry.number;
  }
  const head = { cursor: cursorOf(entries.life, last), as_of: seconds(asOf), complete: after === null, more, ttl: accessTokenTtlSeconds };
  const text = `${JSON.stringify(head).slice(0, -1)},"sessions":[${sessions.join()}],"accounts":[${accounts.join()}]}`;
  return { text, isEmpty: sessions.length + accounts.length === 0 };
}

/** `exp`: from then on no token is left that the entry could concern. */
function toldOf(entry: NumberedEntry, book: RoleBook): object {
  const exp = Math.ceil(seconds(entry.until));
  if (entry.kind === 'session') return { sid: entry.id, at: seconds(entry.value.at), reason: entry.value.reason, exp };
  const { id, version, sessionEpoch, keptSessionId, roles, disabled, sessionsEnded } = entry.value;
  return {
    sub: id,
    ver: version,
    epoch: sessionEpoch,
    kept_sid: keptSessionId,
    roles,
    scope: book.permissionsOf(roles).join(' '),
    disabled: disabled && { at: seconds(disabled.at), until: disabled.until === null ? null : seconds(disabled.until) },
    at: sessionsEnded === null ? null : seconds(sessionsEnded.at),
    reason: sessionsEnded?.reason ?? null,
    exp,
  };
}

const cursorOf = (life: string, number: number): string => `${life}.${number}`;

/** The number that a cursor of this life names; null for any other text. */
export function numberOfCursor(cursor: string, { life, lastNumber }: ProvenRevocations['entries']): number | null {
  if (!cursor.startsWith(`${life}.`)) return null;
  const digits = cursor.slice(life.length + 1);
  return /^\d{1,15}$/.test(digits) && Number(digits) <= lastNumber ? Number(digits) : null;
}
