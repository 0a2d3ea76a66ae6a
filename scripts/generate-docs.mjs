// The generated pages of docs/ and .env.example from the tables and commands in src/. With --check: compares only.
import { auditPage } from './audit-page.mjs';
import { commandLinePage } from './command-line-page.mjs';
import { configurationPage, environmentExample } from './configuration-page.mjs';
import { errorsPage } from './errors-page.mjs';
import { importBuilt, root, writeOrCheck } from './generated-files.mjs';
import { grafanaDashboard } from './grafana-dashboard.mjs';
import { metricsPage } from './metrics-page.mjs';

const { settings } = await importBuilt('config.js');
const { configFileSchema } = await importBuilt('config-file.js');
const { errorKinds } = await importBuilt('auth/errors.js');
const { auditEventKinds } = await importBuilt('auth/audit-events.js');
const { createProgram } = await importBuilt('cli/program.js');
const { exitCodes } = await importBuilt('cli/exit-codes.js');
const { metricDefinitions } = await importBuilt('telemetry/definitions.js');
await writeOrCheck(
  [
    [new URL('docs/configuration.md', root), configurationPage(Object.values(settings))],
    [new URL('.env.example', root), environmentExample(Object.values(settings))],
    [new URL('schema/config.schema.json', root), `${JSON.stringify(configFileSchema(), null, 2)}\n`],
    [new URL('docs/errors.md', root), errorsPage(errorKinds)],
    [new URL('docs/audit.md', root), auditPage(auditEventKinds)],
    [new URL('docs/command-line.md', root), commandLinePage(createProgram(), exitCodes)],
    [new URL('docs/metrics.md', root), metricsPage(Object.values(metricDefinitions))],
    [new URL('docs/grafana-dashboard.json', root), grafanaDashboard()],
  ],
  'npm run build && npm run docs',
);
