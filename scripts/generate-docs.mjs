// docs/configuration.md, docs/errors.md and .env.example from the tables in src/. With --check: compares only.
import { configurationPage, environmentExample } from './configuration-page.mjs';
import { errorsPage } from './errors-page.mjs';
import { importBuilt, root, writeOrCheck } from './generated-files.mjs';

const { settings } = await importBuilt('config.js');
const { errorKinds } = await importBuilt('auth/errors.js');
await writeOrCheck(
  [
    [new URL('docs/configuration.md', root), configurationPage(Object.values(settings))],
    [new URL('.env.example', root), environmentExample(Object.values(settings))],
    [new URL('docs/errors.md', root), errorsPage(errorKinds)],
  ],
  'npm run build && npm run docs',
);
