import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Session } from './account.js';
import { DateTime } from './scalars.js';

export const SessionEventType = { CREATED: 'CREATED', REFRESHED: 'REFRESHED', REVOKED: 'REVOKED' } as const;
export type SessionEventType = keyof typeof SessionEventType;

registerEnumType(SessionEventType, {
  name: 'SessionEventType',
  description: 'What happened to a session. That one has expired is not told: nothing happens then.',
  valuesConfig: {
    CREATED: { description: 'Somebody signed in.' },
    REFRESHED: { description: 'Its refresh token was rotated; answers within the grace do not count.' },
    REVOKED: { description: 'It was ended before its time; `session.revocationReason` says why.' },
  },
});

@ObjectType({ description: 'Something that happened to a session.' })
export class SessionEvent {
  @Field(() => SessionEventType, { description: 'What happened.' })
  type!: SessionEventType;
  @Field(() => DateTime, { description: 'When it happened.' })
  at!: Date;
  @Field(() => Session, { description: 'The session, as it is when the event is delivered: it may have moved on since.' })
  session!: Session;
}
