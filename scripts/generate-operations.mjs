// Typed documents for the API tests, as codegen.ts says. With --check: compares only.
import { readdir, readFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import { transform } from 'esbuild';
import { buildSchema, parse } from 'graphql';
import { root, writeOrCheck } from './generated-files.mjs';

/** Node 20 does not read TypeScript. */
async function importSettings() {
  const { code } = await transform(await readFile(new URL('codegen.ts', root), 'utf8'), { loader: 'ts' });
  const resolved = code.replace(/(?<=from ")[^"]+/g, (name) => import.meta.resolve(name));
  return (await import(`data:text/javascript,${encodeURIComponent(resolved)}`)).default;
}

async function readDocuments(folder) {
  const names = (await readdir(new URL(`${folder}/`, root))).filter((name) => name.endsWith('.graphql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const location = `${folder}/${name}`;
      return { location, document: parse(await readFile(new URL(location, root), 'utf8')) };
    }),
  );
}

const { schema, documents, output, plugins, config } = await importSettings();
const schemaAst = buildSchema(await readFile(new URL(schema, root), 'utf8'));
const text = await codegen({
  schema: parse(await readFile(new URL(schema, root), 'utf8')),
  schemaAst,
  documents: await readDocuments(documents),
  filename: output,
  plugins: Object.keys(plugins).map((name) => ({ [name]: config })),
  pluginMap: plugins,
  config,
});
await writeOrCheck([[new URL(output, root), `// Made by \`npm run codegen\`. Do not edit.\n${text.trimEnd()}\n`]], 'npm run codegen');
