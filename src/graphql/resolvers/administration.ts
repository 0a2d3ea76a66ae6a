import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import type { Account } from '../../auth/account.js';
import type { GraphQLContext } from '../context.js';
import { RevokedSessions, User } from '../types/account.js';
import { CreateUserInput, SessionFilter } from '../types/administration.js';
import { DateTime } from '../types/scalars.js';
import { toRevokedSessions, toSessionFilter, toUser } from './answers.js';

const authority =
  'Only on accounts that may do no more than the caller (otherwise FORBIDDEN). Unknown and malformed ids answer alike: NOT_FOUND.';
const errors = 'Errors: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, BAD_USER_INPUT';
const last = 'the last enabled account that can grant roles: LAST_ADMINISTRATOR';

/** The changed account, also for what else the answer selects. */
function changed(context: GraphQLContext, account: Account): User {
  context.remember(account.id, account);
  return toUser(account);
}

@Resolver()
export class AdministrationResolver {
  @Mutation(() => RevokedSessions, {
    description:
      "For `sessions:revoke`: ends the active sessions that fit, as they are when their turn comes; the caller's own only if `ids` names it, and none of users who may do more than the caller. `sessions` stays empty without `sessions:read`. With `dryRun` nothing is ended. Repeat it when it was cut short. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT (an empty filter, an unknown role, too many ids).",
  })
  async revokeSessions(
    @Ctx() { services, caller }: GraphQLContext,
    @Arg('filter', () => SessionFilter, { description: 'Which; something must narrow it besides `state`. `ids: []` selects none.' })
    filter: SessionFilter,
    @Arg('dryRun', () => Boolean, { defaultValue: true, description: 'True: only says what would be ended.' }) dryRun: boolean,
  ): Promise<RevokedSessions> {
    const { count, sessions } = await services.administration.revokeSessions(caller, toSessionFilter(filter), dryRun);
    return toRevokedSessions({ count, sessions: sessions.map(({ session }) => session) }, dryRun);
  }

  @Mutation(() => User, {
    description:
      'For `users:write`: makes an account without a password, also with sign-up closed, and mails the person a link to set one, good for 24 hours unless set otherwise. Only roles that allow no more than the caller may do (otherwise FORBIDDEN). Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN.',
  })
  async createUser(
    @Ctx() context: GraphQLContext,
    @Arg('input', () => CreateUserInput, { description: 'The new account.' }) input: CreateUserInput,
  ): Promise<User> {
    return changed(context, await context.services.administration.createUser(context.caller, input));
  }

  @Mutation(() => User, {
    description: `For \`users:write\`: replaces the roles, which act with the next request; nobody is signed out. Only roles that allow no more than the caller may do. ${authority} ${errors} (an unknown role; ${last}).`,
  })
  async setUserRoles(
    @Ctx() context: GraphQLContext,
    @Arg('userId', () => ID, { description: 'The id of the user.' }) userId: string,
    @Arg('roles', () => [String], { description: 'The names of all roles that the user is to have. Repeats count once.' }) roles: string[],
  ): Promise<User> {
    return changed(context, await context.services.administration.setUserRoles(context.caller, userId, roles));
  }

  @Mutation(() => User, {
    description: `For \`users:write\`: keeps the user out and ends the user's sessions. ${authority} ${errors} (\`until\` not in the future, \`reason\` too long; ${last}).`,
  })
  async disableUser(
    @Ctx() context: GraphQLContext,
    @Arg('userId', () => ID, { description: 'The id of the user.' }) userId: string,
    @Arg('reason', () => String, { nullable: true, description: 'For `User.disabled.reason`; at most 500 characters.' }) reason:
      | string
      | null
      | undefined,
    @Arg('until', () => DateTime, { nullable: true, description: 'When the user may sign in again; null: when somebody enables the user.' })
    until: Date | null | undefined,
  ): Promise<User> {
    const { services, caller } = context;
    const account = await services.administration.disableUser(caller, userId, reason ?? null, until?.getTime() ?? null);
    return changed(context, account);
  }

  @Mutation(() => User, {
    description: `For \`users:write\`: lets the user sign in again; an enabled one comes back as it is. ${authority} Errors: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND.`,
  })
  async enableUser(
    @Ctx() context: GraphQLContext,
    @Arg('userId', () => ID, { description: 'The id of the user.' }) userId: string,
  ): Promise<User> {
    return changed(context, await context.services.administration.enableUser(context.caller, userId));
  }

  @Mutation(() => Boolean, {
    description: `For \`users:write\`: ends the user's sessions and removes the account's personal data; address and username are free again. What the sessions were remains listed, without address and device, for as long as ended sessions are kept; events of the audit log stay for their own time, those of the user without address and agent. ${authority} ${errors} (${last}).`,
  })
  async deleteUser(
    @Ctx() context: GraphQLContext,
    @Arg('userId', () => ID, { description: 'The id of the user.' }) userId: string,
  ): Promise<boolean> {
    await context.services.administration.deleteUser(context.caller, userId);
    context.remember(userId, null);
    return true;
  }

  @Mutation(() => Boolean, {
    description: `For \`users:write\`: mails the user a link to set a new password; the present one stays as it is, and nobody is signed out. ${authority} Errors: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, ACCOUNT_DISABLED, RATE_LIMITED.`,
  })
  async sendPasswordReset(
    @Ctx() { services, caller }: GraphQLContext,
    @Arg('userId', () => ID, { description: 'The id of the user.' }) userId: string,
  ): Promise<boolean> {
    await services.administration.sendPasswordReset(caller, userId);
    return true;
  }
}
