import { Ctx, Query, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../context.js';
import { AuthErrorCode, ServerInfo } from '../types/server-info.js';

@Resolver()
export class ServerInfoResolver {
  @Query(() => ServerInfo, {
    description: 'For anyone: what a client needs to know before a sign-in. Answers also while the database is down.',
  })
  serverInfo(@Ctx() { services }: GraphQLContext): ServerInfo {
    return {
      ...services.serverInfo,
      serverTime: new Date(services.now()),
      errorCodes: Object.values(AuthErrorCode),
    };
  }
}
