import { Arg, Resolver, Root, Subscription } from 'type-graphql';
import type { SessionEvent as SessionEventView } from '../../auth/session-subscription.js';
import type { GraphQLContext } from '../context.js';
import { SessionEvent } from '../types/session-event.js';
import { toSessionType } from './answers.js';

@Resolver()
export class SessionEventResolver {
  @Subscription(() => SessionEvent, {
    description:
      "The caller's own sessions, as they are signed in, refreshed and revoked; with `all` everybody's, for `sessions:read`. Over `graphql-transport-ws` alone. Errors: UNAUTHENTICATED, FORBIDDEN (at once when the right is lost), RATE_LIMITED (more than 10 subscriptions on a socket), SERVICE_UNAVAILABLE (also where events may have been missed: subscribe again and read the list).",
    subscribe: ({ context, args }) => (context as GraphQLContext).followSessions(args.all === true),
  })
  sessionEvents(
    @Root() { type, at, session }: SessionEventView,
    @Arg('all', () => Boolean, {
      nullable: true,
      defaultValue: false,
      description: "True: everybody's sessions, for `sessions:read`; otherwise FORBIDDEN.",
    })
    _all: boolean | null,
  ): SessionEvent {
    return { type, at: new Date(at), session: toSessionType(session) };
  }
}
