import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { AccountDisabled, SessionConnection, User } from '../types/account.js';
import { SessionState } from '../types/session-enums.js';
import { toDisabled, toUser } from './answers.js';
import { sessionPage } from './session-page.js';

@Resolver(() => User)
export class UserResolver {
  @Query(() => User, { description: 'The signed-in user: whose access token the request carries. Errors: UNAUTHENTICATED.' })
  async me(@Ctx() context: GraphQLContext): Promise<User> {
    return toUser(await context.ownAccount());
  }

  @FieldResolver(() => AccountDisabled, {
    nullable: true,
    description: 'Set while the account may not sign in; null, never an error, for callers without `users:read`.',
  })
  async disabled(@Root() user: User, @Ctx() context: GraphQLContext): Promise<AccountDisabled | null> {
    if (!context.signedIn.permissions.includes('users:read')) return null;
    const account = await context.findAccount(user.id);
    return account && toDisabled(account);
  }

  @FieldResolver(() => SessionConnection, {
    description:
      "The user's sessions, newest sign-in first: one's own, or another user's for `sessions:read`; otherwise FORBIDDEN. Errors: FORBIDDEN, BAD_USER_INPUT (`first`, `after`), QUERY_TOO_COMPLEX.",
  })
  async sessions(
    @Root() user: User,
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20, description: 'How many rows at most: 1 to 100.' }) first: number | null,
    @Arg('after', () => String, { nullable: true, description: 'The `endCursor` of the page before; null: from the beginning.' }) after:
      | string
      | null
      | undefined,
    @Arg('state', () => SessionState, {
      nullable: true,
      defaultValue: SessionState.ACTIVE,
      description: 'Only sessions in this state; null: all. Ended ones stay listed for 30 days unless set otherwise.',
    })
    state: SessionState | null,
  ): Promise<SessionConnection> {
    return sessionPage(context, await context.findAccount(user.id), { first, after }, state);
  }
}
