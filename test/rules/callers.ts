import type { Account } from '../../src/auth/account.js';
import { toAccount } from '../../src/auth/account.js';
import type { SignedIn, Viewer } from '../../src/auth/viewer.js';
import { GraphQLContext, type Services } from '../../src/graphql/context.js';
import { aRequest, aRoleBook } from '../support/factories.js';
import { anAccount, anEnding, t0 } from '../support/records.js';

const account = (id: string, ...roles: string[]): Account => toAccount(anAccount({ id, roles }), aRoleBook());

/** Whose object is asked about: that of `ada`. */
export const owner = 'ada';

export const signedInAs = ({ id, roles, permissions }: Pick<Account, 'id' | 'roles' | 'permissions'>): SignedIn => ({
  kind: 'account',
  accountId: id,
  roles,
  permissions,
  sessionId: 'a session',
  authenticatedAt: t0,
  epoch: 1,
});

/** Every kind of caller there is, in the order of the matrix. */
export const callers = {
  'no token': { kind: 'anonymous', reason: 'NO_TOKEN' },
  invalid: { kind: 'anonymous', reason: 'INVALID' },
  expired: { kind: 'anonymous', reason: 'EXPIRED', sessionId: 'a session' },
  revoked: { kind: 'anonymous', reason: 'REVOKED', sessionId: 'a session', ended: { kind: 'revoked', ...anEnding({ at: t0 }) } },
  unavailable: { kind: 'unavailable' },
  'the user': signedInAs(account(owner, 'user')),
  'another user': signedInAs(account('eve', 'user')),
  support: signedInAs(account('sam', 'support')),
  administrator: signedInAs(account('root', 'admin')),
} satisfies Record<string, Viewer>;

/** Fails whatever is read of it, so that a rule that asks a service does not go unseen. */
const untouchable = new Proxy({} as Services, {
  get: (_target, name) => {
    throw new Error(`a rule asked the services for ${String(name)}`);
  },
});

export function contextOf(viewer: Viewer, services: Services = untouchable, now = t0): GraphQLContext {
  return new GraphQLContext(
    services,
    aRequest(),
    { mode: 'bearer', presented: { kind: 'none' }, set: () => undefined, clear: () => undefined },
    viewer,
    { now, reauthenticationAgeSeconds: 900 },
  );
}
