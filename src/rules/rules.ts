import type { IRule } from 'graphql-shield';
import { AuthError, serviceUnavailable } from '../auth/errors.js';
import type { Permission } from '../auth/roles.js';
import { staleProof } from '../auth/step-up.js';
import type { SignedIn, Viewer } from '../auth/viewer.js';
import type { GraphQLContext } from '../graphql/context.js';
import { rule } from './shield.js';

// Rules ask what kind of caller this is, and read nothing but the context and the object at hand. Each is evaluated afresh
// ("no_cache"): with graphql-shield's contextual cache a list would be decided by its first item. `not()` is banned: it allows
// what throws.

type Verdict = true | AuthError;
type Parent = { readonly id?: unknown };

type Decide = (viewer: Viewer, parent: Parent, context: GraphQLContext) => Verdict;

const judge = (name: string, decide: Decide): IRule =>
  rule(name, { cache: 'no_cache' })((parent: Parent, _args: unknown, context: GraphQLContext) => decide(context.viewer, parent, context));

/** The refusal of somebody who is not signed in says why, so that a client knows whether to refresh or to sign in. */
function unauthenticated(viewer: Exclude<Viewer, { kind: 'account' }>): AuthError {
  if (viewer.kind === 'unavailable') return serviceUnavailable();
  const { reason, sessionId, ended } = viewer;
  return new AuthError('UNAUTHENTICATED', { reason, ...(ended && { at: ended.at }), ...(sessionId !== undefined && { sessionId }) });
}

const signedInAnd =
  (isAllowed: (viewer: SignedIn, parent: Parent) => boolean): Decide =>
  (viewer, parent) => {
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

const holding = (permission: Permission): Decide => signedInAnd((viewer) => viewer.permissions.includes(permission));

export const usersReader: IRule = judge('usersReader', holding('users:read'));
export const sessionsReader: IRule = judge('sessionsReader', holding('sessions:read'));

/** What changes something of other people asks, once it is allowed at all, for a recent proof of the password. */
const recentlyAuthenticated =
  (allow: Decide): Decide =>
  (viewer, parent, context) => {
    const verdict = allow(viewer, parent, context);
    if (verdict !== true) return verdict;
    if (viewer.kind !== 'account') return unauthenticated(viewer);
    return staleProof(viewer, context.proofPolicy) ?? true;
  };

// Administrators' writes, and nothing else, ask these two.

export const usersWriter: IRule = judge('usersWriter', recentlyAuthenticated(holding('users:write')));
export const sessionsRevoker: IRule = judge('sessionsRevoker', recentlyAuthenticated(holding('sessions:revoke')));
