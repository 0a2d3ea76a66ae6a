import { GraphQLScalarType } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';

/** Epoch milliseconds in the services, an ISO 8601 instant on the wire. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTimeISO.toConfig(),
  name: 'DateTime',
  description: 'An instant in UTC with milliseconds, as ISO 8601 writes it: `2026-01-31T12:00:00.000Z`.',
});
