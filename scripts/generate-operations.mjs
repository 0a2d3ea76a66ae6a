// Typed documents for the API tests and the console, as codegen.ts says. With --check: compares only.
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

const { schema, targets, plugins, config } = await importSettings();
const schemaText = await readFile(new URL(schema, root), 'utf8');
const schemaAst = buildSchema(schemaText);

/** Codegen refuses a document that the schema does not know. */
async function generate({ documents, output }) {
  const text = await codegen({
    schema: parse(schemaText),
    schemaAst,
    documents: await readDocuments(documents),
    filename: output,
    plugins: Object.keys(plugins).map((name) => ({ [name]: config })),
    pluginMap: plugins,
    config,
  });
  return [new URL(output, root), `// Made by \`npm run codegen\`. Do not edit.\n${text.trimEnd()}\n`];
}
await writeOrCheck(await Promise.all(targets.map(generate)), 'npm run codegen');
