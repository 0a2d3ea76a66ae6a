/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

/**
 * Packages that are transformed like our own files, because Jest runs CommonJS: `jose` is an ES module only, and OpenTelemetry's exporter
 * calls `import()`.
 */
const esModules = ['jose', '@opentelemetry/otlp-exporter-base'];

/**
 * What keeps to limits of time with several processes or browser pages at once, or asserts that no request reads, which holds while beats of the
 * feed come in time: two cores have no room for other tests beside them.
 */
const alone = [
  'test/api/directory.test.ts',
  'test/api/outage.test.ts',
  'test/api/process.test.ts',
  'test/api/races.test.ts',
  'test/api/revocation.test.ts',
  'test/api/subscription.test.ts',
  'test/browser/console.test.ts',
  'test/browser/tabs.test.ts',
  'test/services/introspection.test.ts',
  'test/services/revocations.test.ts',
  'test/store/mongo-outage.test.ts',
];

const common: Config = {
  testEnvironment: '<rootDir>/test/support/jest-environment.ts',
  roots: ['<rootDir>/test'],
  transform: {
    '\\.[jt]s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: false },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};

const config: Config = {
  projects: [
    { ...common, testMatch: ['**/*.test.ts', ...alone.map((path) => `!**/${path}`)] },
    { ...common, testMatch: alone.map((path) => `**/${path}`), runner: '<rootDir>/test/support/alone-runner.ts' },
  ],
  globalSetup: '<rootDir>/test/support/jest-setup.ts',
  globalTeardown: '<rootDir>/test/support/jest-teardown.ts',
  // Jest would leave one core to watch mode. Half of the work waits for servers and timers.
  maxWorkers: 2,
  // For a machine that does other things as well: nothing here is judged by how long it takes.
  testTimeout: 90_000,
};

export default config;
