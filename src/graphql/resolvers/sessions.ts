import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { RevokedSessions, Session, SessionConnection, User } from '../types/account.js';
import { SessionState } from '../types/session-enums.js';
import { toRevokedSessions, toSessionType, toUser } from './answers.js';
import { sessionPage } from './session-page.js';

@Resolver(() => Session)
export class SessionResolver {
  @Query(() => SessionConnection, {
    description:
      "The caller's own sessions, newest sign-in first. Errors: UNAUTHENTICATED, BAD_USER_INPUT (`first`, `after`), QUERY_TOO_COMPLEX.",
  })
  async sessions(
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
    return sessionPage(context, await context.ownAccount(), { first, after }, state);
  }

  @Query(() => Session, {
    nullable: true,
    description:
      "One session by its id: one's own, or any for `sessions:read`. Null for an unknown id, a malformed one, and another user's. Errors: UNAUTHENTICATED.",
  })
  async session(
    @Ctx() { services, signedIn }: GraphQLContext,
    @Arg('id', () => ID, { description: 'The id of the session.' }) id: string,
  ): Promise<Session | null> {
    const session = await services.sessions.find(signedIn, id);
    return session && toSessionType(session);
  }

  @FieldResolver(() => User, { nullable: true, description: 'Whose it is; null when the account was deleted.' })
  async user(@Root() session: Session, @Ctx() context: GraphQLContext): Promise<User | null> {
    const account = await context.findAccount(session.accountId);
    return account && toUser(account);
  }

  @FieldResolver(() => Boolean, {
    description: 'Whether this is the session of the access token that asks, or of the sign-in that this answer belongs to.',
  })
  isCurrent(@Root() session: Session, @Ctx() { viewer }: GraphQLContext): boolean {
    return viewer.kind === 'account' && viewer.sessionId === session.id;
  }

  @Mutation(() => Session, {
    description:
      "Ends one session: one's own, or any for `sessions:revoke`; an ended one comes back as it is. Unknown, malformed and another user's id answer alike: NOT_FOUND. Errors: UNAUTHENTICATED, NOT_FOUND, FORBIDDEN (a session of a user who may do more than the caller), REAUTHENTICATION_REQUIRED (another user's session, and the last proof of the password is too old).",
  })
  async revokeSession(
    @Ctx() { services, request, signedIn }: GraphQLContext,
    @Arg('id', () => ID, { description: 'The id of the session.' }) id: string,
  ): Promise<Session> {
    return toSessionType(await services.sessions.revoke(signedIn, id, request));
  }

  @Mutation(() => RevokedSessions, {
    description:
      "Ends all of the caller's sessions but this one, all or none: nothing that was signed in elsewhere works with the next request. Errors: UNAUTHENTICATED.",
  })
  async revokeOtherSessions(@Ctx() { services, request, signedIn }: GraphQLContext): Promise<RevokedSessions> {
    return toRevokedSessions(await services.sessions.revokeOthers(signedIn, request));
  }

  @Mutation(() => RevokedSessions, {
    description: "Ends all of the caller's sessions, this one too, all or none. Errors: UNAUTHENTICATED.",
  })
  async revokeAllSessions(@Ctx() { services, request, signedIn }: GraphQLContext): Promise<RevokedSessions> {
    return toRevokedSessions(await services.sessions.revokeAll(signedIn, request));
  }
}

@Resolver(() => SessionConnection)
export class SessionConnectionResolver {
  @FieldResolver(() => Int, { description: 'How many rows all pages have together, at most 10,000. Counted only when it is selected.' })
  totalCount(@Root() connection: SessionConnection): Promise<number> {
    return connection.count();
  }
}
