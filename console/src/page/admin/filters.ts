import type { AuditEventFilter, AuditEventType, DeviceKind, SessionFilter, SessionState, UserFilter } from '../generated/operations.js';
import type { Entered } from '../parts/form.js';

/** Nothing entered, or not chosen: it does not narrow. */
const textOf = (entered: string): string | null => (entered === '' ? null : entered);
/** From the browser's own time to an instant. */
const instantOf = (entered: string): string | null => (entered === '' ? null : new Date(entered).toISOString());
const answerOf = (entered: string): boolean | null => (entered === '' ? null : entered === 'yes');

export const userFilterOf = (entered: Entered): UserFilter => ({
  search: textOf(entered('search')),
  role: textOf(entered('role')),
  disabled: answerOf(entered('disabled')),
  emailVerified: answerOf(entered('verified')),
});

export const sessionFilterOf = (entered: Entered): SessionFilter => ({
  userId: textOf(entered('user')),
  state: textOf(entered('state')) as SessionState | null,
  deviceKind: textOf(entered('kind')) as DeviceKind | null,
  role: textOf(entered('role')),
  ipAddress: textOf(entered('address')),
  userAgent: textOf(entered('agent')),
  createdAfter: instantOf(entered('created-after')),
  createdBefore: instantOf(entered('created-before')),
  lastSeenAfter: instantOf(entered('seen-after')),
  lastSeenBefore: instantOf(entered('seen-before')),
});

/** Whether the server would let it end sessions: the state alone does not narrow. */
export const isNarrow = ({ state: _, ...others }: SessionFilter): boolean => Object.values(others).some((value) => value !== null);

export const auditFilterOf = (entered: Entered, form: FormData): AuditEventFilter => {
  const types = form.getAll('type') as AuditEventType[];
  return {
    types: types.length === 0 ? null : types,
    userId: textOf(entered('user')),
    sessionId: textOf(entered('session')),
    ipAddress: textOf(entered('address')),
    after: instantOf(entered('after')),
    before: instantOf(entered('before')),
  };
};
