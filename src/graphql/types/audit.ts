import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { AuditEventType } from './audit-enums.js';
import { PageInfo } from './page-info.js';
import { DateTime } from './scalars.js';

@ObjectType({ description: 'An event of the audit log: what happened to an account, or to the server.' })
export class AuditEvent {
  @Field(() => ID, { description: 'Opaque.' })
  id!: string;
  @Field(() => DateTime, { description: 'When it happened; where like events share one, the first of them.' })
  at!: Date;
  @Field(() => AuditEventType, { description: 'What happened.' })
  type!: AuditEventType;
  actorId!: string | null;
  accountId!: string | null;
  // `actor` and `user` are resolved in resolvers/audit.ts
  @Field(() => ID, { nullable: true, description: 'The session that it concerns; null: none, or several.' })
  sessionId!: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The client address that it came from, of the first where like events share one; null where it is not known, at the command line, and in `activity` where somebody else acted.',
  })
  ipAddress!: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` that it came with, at most 512 characters: what the client claims to be. Null where `ipAddress` is.',
  })
  userAgent!: string | null;
  @Field(() => Int, {
    description: 'More than 1 where like events of one minute share one (sign-ins that failed or were throttled).',
  })
  count!: number;
  @Field(() => String, { description: 'The event as a sentence for people, in English; never a secret.' })
  summary!: string;
}

@ObjectType({ description: 'One row of a page of events.' })
export class AuditEventEdge {
  @Field(() => String, { description: 'Opaque; give it as `after` to get the rows that follow.' })
  cursor!: string;
  @Field(() => AuditEvent, { description: 'The event.' })
  node!: AuditEvent;
}

@ObjectType({
  description:
    'A page of events, newest first (Relay connection). Where few of many events fit a filter it may be short, even empty, before the end: `hasNextPage` and `endCursor` say where to go on.',
})
export class AuditEventConnection {
  @Field(() => [AuditEventEdge], { description: 'The rows with their cursors.' })
  edges!: AuditEventEdge[];
  @Field(() => [AuditEvent], { description: 'The rows alone.' })
  nodes!: AuditEvent[];
  @Field(() => PageInfo, { description: 'Where this page lies.' })
  pageInfo!: PageInfo;
}

@InputType({ description: 'Which events of the audit log. What is left out, or null, does not narrow.' })
export class AuditEventFilter {
  @Field(() => [AuditEventType], { nullable: true, description: 'Any of these; an empty list fits nothing.' })
  types?: AuditEventType[] | null;
  @Field(() => ID, { nullable: true, description: 'The user to whom it happened.' })
  userId?: string | null;
  @Field(() => ID, { nullable: true, description: 'The session that it concerns.' })
  sessionId?: string | null;
  @Field(() => String, { nullable: true, description: 'The whole client address, as it is listed.' })
  ipAddress?: string | null;
  @Field(() => DateTime, { nullable: true, description: 'At this instant or later.' })
  after?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Earlier than this.' })
  before?: Date | null;
}

@ObjectType({ description: 'Sign-ins within a span of time, by what became of them. Those refused count to the minute.' })
export class SignInStats {
  @Field(() => DateTime, { description: 'The start of the span, included.' })
  from!: Date;
  @Field(() => DateTime, { description: 'The end of the span, not included.' })
  to!: Date;
  @Field(() => Int, { description: 'Sessions that began, those of sign-ups too.' })
  succeeded!: number;
  @Field(() => Int, { description: 'Sign-ins with a wrong login or password, or to a disabled account.' })
  failed!: number;
  @Field(() => Int, { description: 'Sign-ins that were told to come back later, their passwords untried.' })
  throttled!: number;
}
