import { Field, ObjectType } from 'type-graphql';

@ObjectType({ description: 'Where a page lies in its list (Relay).' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether rows follow this page.' })
  hasNextPage!: boolean;
  @Field(() => Boolean, { description: 'Whether this page was asked for with `after`.' })
  hasPreviousPage!: boolean;
  @Field(() => String, { nullable: true, description: 'The cursor of the first row; null on an empty page.' })
  startCursor!: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'For `after`: the cursor of the last row or, where a search has looked at many rows and found few or none, the place to search on from. Null: nothing there.',
  })
  endCursor!: string | null;
}
