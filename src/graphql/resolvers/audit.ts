import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import type { AuditEvent as AuditEventView, AuditFilter } from '../../auth/audit-search.js';
import type { GraphQLContext } from '../context.js';
import { connectionOf, type PageArguments, pageOf } from '../paging.js';
import { User } from '../types/account.js';
import { AuditEvent, AuditEventConnection, AuditEventFilter, SignInStats } from '../types/audit.js';
import { DateTime } from '../types/scalars.js';
import { toUser } from './answers.js';
import { rowsOfALook } from './session-page.js';

type Read = (page: ReturnType<typeof pageOf>) => ReturnType<GraphQLContext['services']['auditSearch']['list']>;

async function eventPage(context: GraphQLContext, args: PageArguments, read: Read): Promise<AuditEventConnection> {
  const page = pageOf(args);
  context.takeRows(rowsOfALook + page.limit);
  const { rows, next } = await read({ ...page, limit: page.limit + 1 });
  return connectionOf(rows, page, toAuditEvent, next);
}

function toAuditEvent({ createdAt, ...event }: AuditEventView): AuditEvent {
  return { ...event, at: new Date(createdAt) };
}

function toFilter({ after, before, ...filter }: AuditEventFilter): AuditFilter {
  return { ...filter, after: after?.getTime() ?? null, before: before?.getTime() ?? null };
}

async function findUser(context: GraphQLContext, id: string | null): Promise<User | null> {
  const account = id === null ? null : await context.findAccount(id);
  return account && toUser(account);
}

@Resolver(() => AuditEvent)
export class AuditEventResolver {
  @Query(() => AuditEventConnection, {
    description:
      "The caller's own security log, newest first: what happened to the account, whoever did it. Where somebody else acted, `actor`, `ipAddress` and `userAgent` are null. Errors: UNAUTHENTICATED, BAD_USER_INPUT.",
  })
  activity(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20, description: 'How many at most: 1 to 100.' }) first: number | null,
    @Arg('after', () => String, { nullable: true, description: 'The cursor of the last row of the page before.' }) after:
      | string
      | null
      | undefined,
  ): Promise<AuditEventConnection> {
    const { services, signedIn } = context;
    return eventPage(context, { first, after }, (page) => services.auditSearch.activity(signedIn, page));
  }

  @Query(() => AuditEventConnection, {
    description:
      'For `audit:read`: the audit log, newest first. An id that is none fits nothing. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.',
  })
  auditEvents(
    @Ctx() context: GraphQLContext,
    @Arg('filter', () => AuditEventFilter, { nullable: true, description: 'Which events; null: all.' })
    filter: AuditEventFilter | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'How many at most: 1 to 100.' }) first: number | null,
    @Arg('after', () => String, { nullable: true, description: 'The cursor of the last row of the page before.' }) after:
      | string
      | null
      | undefined,
  ): Promise<AuditEventConnection> {
    const { auditSearch } = context.services;
    return eventPage(context, { first: first ?? 50, after }, (page) => auditSearch.list(toFilter(filter ?? {}), page));
  }

  @Query(() => [SignInStats], {
    description:
      'For `audit:read`: sign-ins from `from` until before `to`, in spans of equal length, the earliest first. Events older than the log keeps them are not counted. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT (`buckets`, and `to` where it is not later than `from`).',
  })
  async signInStats(
    @Ctx() context: GraphQLContext,
    @Arg('from', () => DateTime, { description: 'The start of the first span, included.' }) from: Date,
    @Arg('to', () => DateTime, { description: 'The end of the last span, not included.' }) to: Date,
    @Arg('buckets', () => Int, { defaultValue: 24, description: 'How many spans: 1 to 200, each of a millisecond or more.' })
    buckets: number,
  ): Promise<SignInStats[]> {
    context.takeRows(rowsOfALook + Math.max(buckets, 0));
    const stats = await context.services.auditSearch.signInStats(from.getTime(), to.getTime(), buckets);
    return stats.map((row) => ({ ...row, from: new Date(row.from), to: new Date(row.to) }));
  }

  @FieldResolver(() => User, {
    nullable: true,
    description:
      'Who acted; null: the command line, the server itself, somebody who is not known, an account that was deleted, and in `activity` somebody else.',
  })
  actor(@Root() event: AuditEvent, @Ctx() context: GraphQLContext): Promise<User | null> {
    return findUser(context, event.actorId);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'To whom it happened; null: the server, an unknown login, or an account that was deleted.',
  })
  user(@Root() event: AuditEvent, @Ctx() context: GraphQLContext): Promise<User | null> {
    return findUser(context, event.accountId);
  }
}
