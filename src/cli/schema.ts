import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Report, reporting, subcommand } from './subcommand.js';

/** The file that the package ships; `npm run check` holds it in step with the code. */
const schemaFile = new URL('../../schema/schema.graphql', import.meta.url);

async function printSchema(): Promise<Report> {
  const schema = await readFile(schemaFile, 'utf8');
  return { json: { schema }, text: schema.trimEnd() };
}

export function addSchema(parent: Command): void {
  subcommand(parent, 'schema', 'Print the GraphQL schema (SDL). It needs no settings.', { schema: 'the SDL' }).action(
    reporting(printSchema),
  );
}
