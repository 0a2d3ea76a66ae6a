import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { User } from './account.js';
import { DeviceKind } from './device.js';
import { PageInfo } from './page-info.js';
import { DateTime } from './scalars.js';
import { SessionState } from './session-enums.js';

@ObjectType({ description: 'A name for a set of permissions.' })
export class Role {
  @Field(() => String, { description: 'As in `User.roles`.' })
  name!: string;
  @Field(() => [String], { description: 'What it allows, e.g. `sessions:revoke`.' })
  permissions!: string[];
}

@ObjectType({ description: 'One row of a page of users.' })
export class UserEdge {
  @Field(() => String, { description: 'Opaque; give it as `after` to get the rows that follow.' })
  cursor!: string;
  @Field(() => User, { description: 'The user.' })
  node!: User;
}

@ObjectType({ description: 'A page of users, newest first (Relay connection).' })
export class UserConnection {
  @Field(() => [UserEdge], { description: 'The rows with their cursors.' })
  edges!: UserEdge[];
  @Field(() => [User], { description: 'The rows alone.' })
  nodes!: User[];
  @Field(() => PageInfo, { description: 'Where this page lies.' })
  pageInfo!: PageInfo;
  // `totalCount` is resolved in resolvers/directory.ts, so that it is counted only when it is selected
  count!: () => Promise<number>;
}

@InputType({ description: 'Selects users. What is left out, or null, does not narrow; what is given must all hold.' })
export class UserFilter {
  @Field(() => String, { nullable: true, description: 'Start of the email address or username, without regard to case.' })
  search?: string | null;
  @Field(() => String, { nullable: true, description: 'Holders of this role. An unknown one is BAD_USER_INPUT.' })
  role?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether the account may not sign in at present.' })
  disabled?: boolean | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether the person has shown that the address is theirs.' })
  emailVerified?: boolean | null;
}

@InputType({ description: 'Selects sessions of all users. What is left out, or null, does not narrow; what is given must all hold.' })
export class SessionFilter {
  @Field(() => [ID], { nullable: true, description: 'Sessions with these ids, at most 1,000. An empty list selects none.' })
  ids?: string[] | null;
  @Field(() => ID, { nullable: true, description: 'Sessions of this user; also of one that was deleted.' })
  userId?: string | null;
  @Field(() => SessionState, { nullable: true, description: 'Sessions in this state.' })
  state?: SessionState | null;
  @Field(() => String, { nullable: true, description: 'The client address at sign-in, the whole of it, as it is listed.' })
  ipAddress?: string | null;
  @Field(() => String, { nullable: true, description: 'Any part of the user agent, without regard to the case of A to Z.' })
  userAgent?: string | null;
  @Field(() => DeviceKind, { nullable: true, description: 'Sessions on this kind of device.' })
  deviceKind?: DeviceKind | null;
  @Field(() => DateTime, { nullable: true, description: 'Signed in earlier than this.' })
  createdBefore?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Signed in at this instant or later.' })
  createdAfter?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Last seen earlier than this.' })
  lastSeenBefore?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Last seen at this instant or later.' })
  lastSeenAfter?: Date | null;
  @Field(() => String, { nullable: true, description: 'Sessions of holders of this role. An unknown one is BAD_USER_INPUT.' })
  role?: string | null;
}

@InputType({ description: 'An account that an administrator makes for somebody.' })
export class CreateUserInput {
  @Field(() => String, { description: 'At most 254 characters; trimmed and lower-cased.' })
  email!: string;
  @Field(() => String, { nullable: true, description: '3 to 32 of `A-Z a-z 0-9 . _ -`; unique without regard to case.' })
  username?: string | null;
  @Field(() => [String], { nullable: true, description: 'Besides `user`, which every account starts with.' })
  roles?: string[] | null;
}
