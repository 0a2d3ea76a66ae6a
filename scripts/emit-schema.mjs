// schema/schema.graphql from the decorators, sorted by name so that a moved class changes nothing. With --check: compares only.
import { lexicographicSortSchema, printSchema } from 'graphql';
import { importBuilt, root, writeOrCheck } from './generated-files.mjs';

const { createSchema } = await importBuilt('graphql/schema.js');
const text = `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
await writeOrCheck([[new URL('schema/schema.graphql', root), text]], 'npm run build && npm run schema');
