import { type GraphQLSchema, isObjectType } from 'graphql';

/** What the schema and the table of rights do not have in common: fields without a rule, and rules without a field. */
export function differences(schema: GraphQLSchema, table: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string[] {
  const fields = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) => (isObjectType(type) ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`) : []));
  const rules = Object.entries(table).flatMap(([type, row]) => Object.keys(row).map((field) => `${type}.${field}`));
  return [
    ...fields.filter((field) => !rules.includes(field)).map((field) => `${field} has no rule`),
    ...rules.filter((rule) => !fields.includes(rule)).map((rule) => `${rule} has a rule and is no field`),
  ];
}

/** Throws when a field of an object type has no rule of its own: such a server does not start. */
export function assertEveryFieldHasARule(schema: GraphQLSchema, table: Parameters<typeof differences>[1]): void {
  const found = differences(schema, table);
  if (found.length > 0) throw new Error(`the table of rights does not fit the schema: ${found.join('; ')}`);
}
