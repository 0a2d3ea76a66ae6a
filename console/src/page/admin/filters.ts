import type { AuditEventFilter, AuditEventType, DeviceKind, SessionFilter, SessionState, UserFilter } from '../generated/operations.js';
import { shortInstant } from '../parts/instant.js';
import { deviceKinds } from '../words.js';

/** What a field says where the address does not: not all that is left out is empty. */
const unlessSaid: Readonly<Record<string, string>> = { state: 'ACTIVE' };

/** What was entered, as the address keeps it: without what it says anyhow. */
export function addressOf(entered: FormData): string {
  const params = new URLSearchParams();
  for (const [name, value] of entered) {
    const text = String(value).trim();
    if (text !== (unlessSaid[name] ?? '')) params.append(name, text);
  }
  return params.toString();
}

/** Null: it does not narrow. */
const textOf = (params: URLSearchParams, name: string): string | null => (params.get(name) ?? unlessSaid[name] ?? '') || null;
/** From the browser's own time to an instant; null also where the address holds no time. */
function instantOf(params: URLSearchParams, name: string): string | null {
  const date = new Date(params.get(name) ?? '');
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
function answerOf(params: URLSearchParams, name: string): boolean | null {
  const text = textOf(params, name);
  return text === null ? null : text === 'yes';
}

export const userFilterOf = (params: URLSearchParams): UserFilter => ({
  search: textOf(params, 'search'),
  role: textOf(params, 'role'),
  disabled: answerOf(params, 'disabled'),
  emailVerified: answerOf(params, 'verified'),
});

export function sessionFilterOf(params: URLSearchParams): SessionFilter {
  const id = textOf(params, 'session');
  return {
    userId: textOf(params, 'user'),
    ids: id === null ? null : [id],
    state: textOf(params, 'state') as SessionState | null,
    deviceKind: textOf(params, 'kind') as DeviceKind | null,
    role: textOf(params, 'role'),
    ipAddress: textOf(params, 'address'),
    userAgent: textOf(params, 'agent'),
    createdAfter: instantOf(params, 'created-after'),
    createdBefore: instantOf(params, 'created-before'),
    lastSeenAfter: instantOf(params, 'seen-after'),
    lastSeenBefore: instantOf(params, 'seen-before'),
  };
}

/** Whether the server would let it end sessions: the state alone does not narrow. */
export const isNarrow = ({ state: _, ...others }: SessionFilter): boolean => Object.values(others).some((value) => value !== null);

/** What a filter narrows by, apart from the state. */
export function wordsOfNarrowing(filter: SessionFilter): readonly string[] {
  const { userId, ids, deviceKind, role, ipAddress, userAgent, createdAfter, createdBefore, lastSeenAfter, lastSeenBefore } = filter;
  const parts: readonly (readonly [words: string, value: string | number | null | undefined])[] = [
    ['of the user', userId],
    ['with the id', ids?.join(', ')],
    ['on a device of the kind', deviceKind && deviceKinds[deviceKind]],
    ['of holders of the role', role],
    ['from the address', ipAddress],
    ['with a user agent that holds', userAgent],
    ['signed in after', createdAfter && shortInstant(createdAfter)],
    ['signed in before', createdBefore && shortInstant(createdBefore)],
    ['last seen after', lastSeenAfter && shortInstant(lastSeenAfter)],
    ['last seen before', lastSeenBefore && shortInstant(lastSeenBefore)],
  ];
  return parts.filter(([, value]) => value).map(([words, value]) => `${words} ${value}`);
}

export function auditFilterOf(params: URLSearchParams): AuditEventFilter {
  const types = params.getAll('type') as AuditEventType[];
  return {
    types: types.length === 0 ? null : types,
    userId: textOf(params, 'user'),
    sessionId: textOf(params, 'session'),
    ipAddress: textOf(params, 'address'),
    after: instantOf(params, 'after'),
    before: instantOf(params, 'before'),
  };
}
