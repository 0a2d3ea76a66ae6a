import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { connectionOf, pageOf } from '../paging.js';
import { SessionConnection, User } from '../types/account.js';
import { Role, SessionFilter, UserConnection, UserFilter } from '../types/administration.js';
import { toSessionFilter, toSessionType, toUser } from './answers.js';

/** What a search over everything costs besides its rows: it may look at many thousands to find few that fit. */
const rowsOfASearch = 100;
const firstDescription = 'How many at most: 1 to 100.';
const afterDescription = 'The `endCursor` of the page before.';
const short = 'A page may be short, even empty, while `hasNextPage` is true: a search looks at a bounded number of rows at a time.';

@Resolver()
export class DirectoryResolver {
  @Query(() => UserConnection, {
    description: `For \`users:read\`: all users that fit, newest first. ${short} Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, QUERY_TOO_COMPLEX.`,
  })
  async users(
    @Ctx() context: GraphQLContext,
    @Arg('filter', () => UserFilter, { nullable: true, description: 'Which; null: all.' }) filter: UserFilter | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20, description: firstDescription }) first: number | null,
    @Arg('after', () => String, { nullable: true, description: afterDescription }) after: string | null | undefined,
  ): Promise<UserConnection> {
    const { accountDirectory } = context.services;
    const page = pageOf({ first, after });
    context.takeRows(rowsOfASearch + page.limit);
    const { rows, next } = await accountDirectory.list(filter ?? {}, { ...page, limit: page.limit + 1 });
    for (const account of rows) context.remember(account.id, account);
    const count = async () => {
      context.takeRows(rowsOfASearch);
      return accountDirectory.count(filter ?? {});
    };
    return { ...connectionOf(rows, page, toUser, next), count };
  }

  @Query(() => User, {
    nullable: true,
    description: 'For `users:read`: one user; null for unknown and malformed ids. Errors: UNAUTHENTICATED, FORBIDDEN.',
  })
  async user(
    @Ctx() context: GraphQLContext,
    @Arg('id', () => ID, { description: 'The id of the user.' }) id: string,
  ): Promise<User | null> {
    const account = await context.findAccount(id);
    return account && toUser(account);
  }

  @Query(() => SessionConnection, {
    description: `For \`sessions:read\`: the sessions of all users that fit, newest sign-in first. ${short} Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, QUERY_TOO_COMPLEX.`,
  })
  async allSessions(
    @Ctx() context: GraphQLContext,
    @Arg('filter', () => SessionFilter, { nullable: true, description: 'Which; null: all.' }) filter: SessionFilter | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20, description: firstDescription }) first: number | null,
    @Arg('after', () => String, { nullable: true, description: afterDescription }) after: string | null | undefined,
  ): Promise<SessionConnection> {
    const { sessionSearch } = context.services;
    const page = pageOf({ first, after });
    context.takeRows(rowsOfASearch + page.limit);
    const wanted = toSessionFilter(filter ?? {});
    const { rows, next } = await sessionSearch.list(wanted, { ...page, limit: page.limit + 1 });
    for (const { session, account } of rows) context.remember(session.accountId, account);
    const count = async () => {
      context.takeRows(rowsOfASearch);
      return sessionSearch.count(wanted);
    };
    const sessions = rows.map(({ session }) => session);
    return { ...connectionOf(sessions, page, toSessionType, next), count };
  }

  @Query(() => [Role], { description: 'For `users:read`: all roles and what they allow. Errors: UNAUTHENTICATED, FORBIDDEN.' })
  roles(@Ctx() { services }: GraphQLContext): Role[] {
    return services.administration.listRoles().map(({ name, permissions }) => ({ name, permissions: [...permissions] }));
  }
}

@Resolver(() => UserConnection)
export class UserConnectionResolver {
  @FieldResolver(() => Int, { description: 'Counted only when it is selected, and no further than 10,000.' })
  totalCount(@Root() connection: UserConnection): Promise<number> {
    return connection.count();
  }
}
