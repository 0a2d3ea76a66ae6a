import type { AuditEventType } from '../store/records.js';

/** What a summary is made from. */
interface Told {
  readonly count: number;
  /** The account acted itself. */
  readonly isOwn: boolean;
  readonly detail: Readonly<Record<string, string>>;
}

interface AuditEventKind {
  /**
   * `before`: the act is refused (`SERVICE_UNAVAILABLE`) when its event cannot be written. An event may then stand for an act that
   * failed, and no act is without one. `after`: the act must not fail because of the log.
   */
  readonly written: 'before' | 'after';
  /** For schema and manual: what the event stands for. */
  readonly about: string;
  /** For the manual: why it is written then. */
  readonly why: string;
  /** The names that its `detail` may have. */
  readonly details: readonly string[];
  /** A sentence for people. */
  readonly summary: (told: Told) => string;
}

const kind = <const K extends AuditEventKind>(row: K): K => row;

const times = (count: number, one: string, many: string): string => (count === 1 ? one : `${count} ${many}`);
const orNone = (text: string | undefined): string => text || 'none';

const credentials = 'It changes how somebody can get in.';
const rights = 'It changes what somebody may do.';
const endsSessions = 'Somebody ends what may be the session of somebody else.';
const keepsOut = 'Keeping somebody out must not depend on the log.';
const sends = 'It only sends a mail.';

/** The one table of events. `docs/audit.md` and the descriptions of the enum `AuditEventType` are generated from these rows. */
export const auditEventKinds = {
  SIGNUP: kind({
    written: 'before',
    about: 'Somebody made an account for themselves.',
    why: 'A new way in.',
    details: [],
    summary: () => 'The account was made by sign-up.',
  }),
  LOGIN: kind({
    written: 'before',
    about: 'A session began: the right password was given, at a sign-in or a sign-up.',
    why: 'Tokens are handed out only when the log knows of it.',
    details: [],
    summary: () => 'Signed in.',
  }),
  LOGIN_FAILED: kind({
    written: 'after',
    about:
      'A sign-in was refused: wrong login or password, a disabled account, or an address that is not verified. Those of one minute, account and network (/24 of IPv4, /64 of IPv6) share an event; all unknown logins are one account.',
    why: keepsOut,
    details: ['reason'],
    summary: ({ count, detail }) => {
      const why = { ACCOUNT_DISABLED: 'the account is disabled', EMAIL_NOT_VERIFIED: 'the address is not verified' }[detail.reason ?? ''];
      return why === undefined
        ? `${times(count, 'A sign-in was', 'sign-ins were')} refused: wrong login or password.`
        : `${times(count, 'A sign-in', 'sign-ins')} with the right password ${count === 1 ? 'was' : 'were'} refused: ${why}.`;
    },
  }),
  LOGIN_THROTTLED: kind({
    written: 'after',
    about: 'A sign-in was told to come back later, its password untried. They share an event as those that failed do.',
    why: keepsOut,
    details: [],
    summary: ({ count }) => `${times(count, 'A sign-in was', 'sign-ins were')} put off: too many at once.`,
  }),
  LOGOUT: kind({
    written: 'after',
    about: 'A client ended its own session: by signing out, or by giving one of its tokens back.',
    why: 'Whoever signs out must be signed out, whatever the log does.',
    details: ['reason'],
    summary: ({ detail }) => (detail.reason === 'TOKEN_REVOKED' ? 'A session ended: its client gave a token back.' : 'Signed out.'),
  }),
  SESSION_REVOKED: kind({
    written: 'before',
    about: 'One session was ended, by its user or an administrator.',
    why: endsSessions,
    details: [],
    summary: ({ isOwn }) => (isOwn ? 'A session was ended.' : 'A session was ended by an administrator.'),
  }),
  SESSIONS_REVOKED: kind({
    written: 'before',
    about:
      'Somebody ended several sessions of an account at once. `sessionId` is the one that was ended where it was just one, and the one that stayed where all others were ended.',
    why: endsSessions,
    details: ['scope', 'count'],
    summary: ({ isOwn, detail }) => {
      if (detail.scope === 'OTHERS') return 'All other sessions were ended.';
      const ended = detail.scope === 'ALL' ? 'All sessions were' : times(Number(detail.count ?? 1), 'A session was', 'sessions were');
      return isOwn ? `${ended} ended.` : `${ended} ended by an administrator.`;
    },
  }),
  REFRESH_REUSED: kind({
    written: 'after',
    about: 'A refresh token that had been used before was used again: its session was ended for safety. The address is that of the repeat.',
    why: keepsOut,
    details: [],
    summary: () => 'A session was ended for safety: its refresh token had been used twice.',
  }),
  BINDING_MISMATCH: kind({
    written: 'after',
    about:
      'A refresh came from another address or browser than its session is bound to: the session was ended. The address is that of the refresh.',
    why: keepsOut,
    details: [],
    summary: () => 'A session was ended for safety: it was used from another address or browser.',
  }),
  PASSWORD_CHANGED: kind({
    written: 'before',
    about: 'The password was changed by somebody who knew the old one.',
    why: credentials,
    details: [],
    summary: () => 'The password was changed.',
  }),
  PASSWORD_RESET_REQUESTED: kind({
    written: 'after',
    about: 'A mail to reset the password was asked for.',
    why: sends,
    details: [],
    summary: ({ count }) => `${times(count, 'A mail', 'mails')} to set a new password ${count === 1 ? 'was' : 'were'} asked for.`,
  }),
  PASSWORD_RESET: kind({
    written: 'before',
    about: 'The password was set by a mailed link.',
    why: credentials,
    details: [],
    summary: () => 'A new password was set by a mailed link.',
  }),
  EMAIL_VERIFICATION_REQUESTED: kind({
    written: 'after',
    about: 'A mail to verify the address was asked for.',
    why: sends,
    details: [],
    summary: ({ count }) => `${times(count, 'A mail', 'mails')} to verify the address ${count === 1 ? 'was' : 'were'} asked for.`,
  }),
  EMAIL_VERIFIED: kind({
    written: 'before',
    about: 'The email address was verified.',
    why: credentials,
    details: [],
    summary: () => 'The email address was verified.',
  }),
  EMAIL_CHANGED: kind({
    written: 'before',
    about: 'The account got another email address.',
    why: credentials,
    details: [],
    summary: () => 'The email address was changed.',
  }),
  EMAIL_CHANGE_REVERTED: kind({
    written: 'before',
    about: 'The change of the email address was reverted from the old one.',
    why: credentials,
    details: [],
    summary: () => 'The change of the email address was reverted.',
  }),
  USERNAME_CHANGED: kind({
    written: 'before',
    about: 'The account got another username.',
    why: credentials,
    details: [],
    summary: () => 'The username was changed.',
  }),
  REAUTHENTICATED: kind({
    written: 'before',
    about: 'The password was given again for a session that goes on.',
    why: 'Tokens for sensitive acts are handed out only when the log knows of it.',
    details: [],
    summary: () => 'The password was confirmed.',
  }),
  ROLES_CHANGED: kind({
    written: 'before',
    about: 'The account got other roles.',
    why: rights,
    details: ['before', 'after'],
    summary: ({ detail }) => `The roles were changed from ${orNone(detail.before)} to ${orNone(detail.after)}.`,
  }),
  ACCOUNT_CREATED: kind({
    written: 'before',
    about: 'An administrator, or an operator at the command line, made the account.',
    why: 'A new way in.',
    details: ['roles'],
    summary: ({ detail }) => `The account was made by an administrator, with the roles ${orNone(detail.roles)}.`,
  }),
  ACCOUNT_DISABLED: kind({
    written: 'before',
    about: 'An administrator disabled the account.',
    why: rights,
    details: [],
    summary: () => 'The account was disabled by an administrator.',
  }),
  ACCOUNT_ENABLED: kind({
    written: 'before',
    about: 'An administrator enabled the account again.',
    why: rights,
    details: [],
    summary: () => 'The account was enabled by an administrator.',
  }),
  ACCOUNT_DELETED: kind({
    written: 'before',
    about: 'The account was deleted.',
    why: rights,
    details: [],
    summary: ({ isOwn }) => (isOwn ? 'The account was deleted.' : 'The account was deleted by an administrator.'),
  }),
  MAIL_GIVEN_UP: kind({
    written: 'after',
    about:
      'A mail was not delivered: the mail server could not be reached for a day (EXPIRED), refused it for good (REFUSED), or it was changed in the store (UNREADABLE).',
    why: 'Nobody waits for a mail.',
    details: ['mail', 'reason'],
    summary: ({ detail }) => `A mail (${orNone(detail.mail)}) was given up: ${orNone(detail.reason)}.`,
  }),
  SIGNING_KEY_ROTATED: kind({
    written: 'before',
    about: "An operator had the next signing key made. Rotations by schedule are in the server's own log.",
    why: 'It changes which tokens are good.',
    details: [],
    summary: () => 'The next signing key was made.',
  }),
  SIGNING_KEY_REVOKED: kind({
    written: 'before',
    about: 'An operator revoked a signing key: its tokens are refused.',
    why: 'It changes which tokens are good.',
    details: ['kid'],
    summary: ({ detail }) => `The signing key ${orNone(detail.kid)} was revoked.`,
  }),
} as const satisfies Readonly<Record<AuditEventType, AuditEventKind>>;

type Kinds = typeof auditEventKinds;

/** Types whose event is written before, or after, the act. */
export type WrittenAt<When extends 'before' | 'after'> = {
  readonly [T in AuditEventType]: Kinds[T]['written'] extends When ? T : never;
}[AuditEventType];

/** The facts that an event of this type may hold besides whom, where and when. */
export type DetailOf<T extends AuditEventType> = { readonly [Name in Kinds[T]['details'][number]]?: string };

/** The event as a sentence. */
export function summaryOf(type: AuditEventType, told: Told): string {
  return auditEventKinds[type].summary(told);
}
