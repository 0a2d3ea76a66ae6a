// docs/configuration.md, docs/errors.md, docs/command-line.md and .env.example from the tables and commands in src/. With --check: compares only.
import { commandLinePage } from './command-line-page.mjs';
import { configurationPage, environmentExample } from './configuration-page.mjs';
import { errorsPage } from './errors-page.mjs';
import { importBuilt, root, writeOrCheck } from './generated-files.mjs';

const { settings } = await importBuilt('config.js');
const { errorKinds } = await importBuilt('auth/errors.js');
const { createProgram } = await importBuilt('cli/program.js');
const { exitCodes } = await importBuilt('cli/exit-codes.js');
await writeOrCheck(
  [
    [new URL('docs/configuration.md', root), configurationPage(Object.values(settings))],
    [new URL('.env.example', root), environmentExample(Object.values(settings))],
    [new URL('docs/errors.md', root), errorsPage(errorKinds)],
    [new URL('docs/command-line.md', root), commandLinePage(createProgram(), exitCodes)],
  ],
  'npm run build && npm run docs',
);
