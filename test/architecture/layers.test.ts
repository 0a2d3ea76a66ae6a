import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectPath, runNode } from './project.js';

const cruiser = projectPath('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

describe('the import table', () => {
  test('holds for every file of src/, client/ and console/, without a cycle', () => {
    const { status, output } = runNode([cruiser, 'src', 'client/src', 'client/example', 'console']);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('no dependency violations found') });
  });

  test('lets config.ts alone read the environment', () => {
    const files = readdirSync(projectPath('src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const readers = files.filter((name) => /process\.env\b/.test(readFileSync(projectPath(`src/${name}`), 'utf8')));
    expect(readers).toEqual(['config.ts']);
  });
});

/** A project of offences: each must be found, or the table above guards nothing. */
const offences = [
  ['auth/graphql.ts', "export type { A } from '../graphql/context.js';", 'auth-imports'],
  ['auth/settings.ts', "export { loadConfig } from '../config.js';", 'auth-imports-types-only'],
  ['graphql/service.ts', "export { Accounts } from '../auth/accounts.js';", 'graphql-imports-types-only'],
  ['rules/table.ts', "export { loadConfig } from '../config.js';", 'rules-imports'],
  ['http/hash.ts', "import bcrypt from 'bcrypt';\nexport { bcrypt };", 'home-of-bcrypt'],
  ['rules/server.ts', "export type { FastifyReply } from 'fastify';", 'home-of-fastify'],
  ['app.ts', "import { fastify } from 'fastify';\nexport { fastify };", 'home-of-fastify-types'],
  ['store/open.ts', "export { openMongoStore } from './mongo/open.js';", 'store-open-imports-on-demand'],
  ['store/sqlite/other.ts', "export { openMongoStore } from '../mongo/open.js';", 'store-sqlite-imports'],
  ['../console/src/page.tsx', "export { loadConfig } from '../../src/config.js';", 'outside-console'],
  ['../client/src/settings.ts', "export { loadConfig } from '../../src/config.js';", 'outside-client'],
  ['../client/src/path.ts', "import { join } from 'node:path';\nexport { join };", 'client-without-node'],
  ['../client/src/store.ts', "import { Observable } from 'rxjs';\nexport { Observable };", 'client-peers'],
  ['helpers/text.ts', "export { loadConfig } from '../config.js';", 'file-without-layer'],
  ['auth/one.ts', "import type { Two } from './two.js';\nexport type One = Two;", 'cycle'],
  ['telemetry/counts.ts', "import { Registry } from 'prom-client';\nexport { Registry };", 'home-of-prom-client'],
  ['telemetry/open.ts', "export { Metrics } from './metrics.js';", 'telemetry-on-demand'],
  ['verify/settings.ts', "export type { A } from '../graphql/context.js';", 'verify-imports'],
  ['verify/ms.ts', "import ms from 'ms';\nexport { ms };", 'verify-loads-jose-alone'],
  ['http/keys.ts', "import { jwtVerify } from 'jose';\nexport { jwtVerify };", 'home-of-jose'],
  ['auth/tests.ts', "import { expect } from '@jest/globals';\nexport { expect };", 'development-dependency'],
] as const;
const victims = {
  'auth/accounts.ts': 'export class Accounts {}',
  'auth/two.ts': "import type { One } from './one.js';\nexport type Two = One | null;",
  'config.ts': 'export const loadConfig = () => ({});',
  'graphql/context.ts': 'export type A = 1;',
  'telemetry/metrics.ts': 'export class Metrics {}',
  'store/mongo/open.ts': 'export const openMongoStore = () => null;',
};

describe('an offence against the import table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-layers-'));
  let output = '';

  beforeAll(() => {
    for (const [file, text] of [...Object.entries(victims), ...offences]) {
      mkdirSync(dirname(join(folder, 'src', file)), { recursive: true });
      writeFileSync(join(folder, 'src', file), `${text}\n`);
    }
    for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) cpSync(projectPath(name), join(folder, name));
    symlinkSync(projectPath('node_modules'), join(folder, 'node_modules'), 'junction');
    output = runNode([cruiser, 'src', 'client', 'console'], folder).output;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(offences)('is found: src/%s', (file, _text, rule) => {
    expect(output).toContain(`error ${rule}: ${join('src', file)} `);
  });
});
