/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

/**
 * Packages that are transformed like our own files, because Jest runs CommonJS: `jose` is an ES module only, and OpenTelemetry's exporter
 * calls `import()`.
 */
const esModules = ['jose', '@opentelemetry/otlp-exporter-base'];

const config: Config = {
  testEnvironment: '<rootDir>/test/support/jest-environment.ts',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
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
  globalSetup: '<rootDir>/test/support/jest-setup.ts',
  globalTeardown: '<rootDir>/test/support/jest-teardown.ts',
  // For a machine that does other things as well: nothing here is judged by how long it takes.
  testTimeout: 90_000,
  // Jest would leave one core to watch mode. Half of the work waits for servers and timers.
  maxWorkers: 2,
};

export default config;
