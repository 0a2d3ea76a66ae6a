import type { IRule } from 'graphql-shield';
import { AuthError, serviceUnavailable } from '../auth/errors.js';
import type { Permission } from '../auth/roles.js';
import type { Viewer } from '../auth/viewer.js';
import type { GraphQLContext } from '../graphql/context.js';
import { rule } from './shield.js';

// Rules ask what kind of caller this is, and read nothing but the context and the object at hand. Each is evaluated afresh
// ("no_cache"): with graphql-shield's contextual cache a list would be decided by its first item. `not()` is banned: it allows
// what throws.

type Verdict = true | AuthError;
type Parent = { readonly id?: unknown };

const judge = (name: string, decide: (viewer: Viewer, parent: Parent) => Verdict): IRule =>
  rule(name, { cache: 'no_cache' })((parent: Parent, _args: unknown, context: GraphQLContext) => decide(context.viewer, parent));

/** The refusal of somebody who is not signed in says why, so that a client knows whether to refresh or to sign in. */
function unauthenticated(viewer: Exclude<Viewer, { kind: 'account' }>): AuthError {
  if (viewer.kind === 'unavailable') return serviceUnavailable();
  const { reason, sessionId, ended } = viewer;
  return new AuthError('UNAUTHENTICATED', { reason, ...(ended && { at: ended.at }), ...(sessionId !== undefined && { sessionId }) });
}

const signedInAnd =
  (isAllowed: (viewer: Extract<Viewer, { kind: 'account' }>, parent: Parent) => boolean) =>
  (viewer: Viewer, parent: Parent): Verdict => {
    if (viewer.kind !== 'account') return unauthenticated(viewer);
    return isAllowed(viewer, parent) || new AuthError('FORBIDDEN');
  };

/** Anybody, whatever the state of the server. */
export const anyone: IRule = judge('anyone', () => true);

/**
 * Anybody, as long as the store answers. When it could not even say who is asking, the operation is not tried: it would
 * only wait for the store a second time.
 */
export const anyoneWhileAvailable: IRule = judge('anyoneWhileAvailable', (viewer) =>
  viewer.kind === 'unavailable' ? serviceUnavailable() : true,
);

export const signedIn: IRule = judge(
  'signedIn',
  signedInAnd(() => true),
);

/** Whoever may read the whole audit log. */
export const auditReader: IRule = judge(
  'auditReader',
  signedInAnd((viewer) => viewer.permissions.includes('audit:read')),
);

const selfOr = (name: string, permissions: readonly Permission[]): IRule =>
  judge(
    name,
    signedInAnd(
      (viewer, user) => viewer.accountId === user.id || permissions.some((permission) => viewer.permissions.includes(permission)),
    ),
  );

// The parent of these is a `User`.

export const selfOrUsersReader: IRule = selfOr('selfOrUsersReader', ['users:read']);
export const selfOrSessionsReader: IRule = selfOr('selfOrSessionsReader', ['sessions:read']);
/** For names: whoever may see sessions may see whose they are. */
export const selfOrEitherReader: IRule = selfOr('selfOrEitherReader', ['users:read', 'sessions:read']);
