import type jestRunner from 'jest-runner';

// Jest compiles this file to CommonJS, where the class is no default export of the kind that TypeScript takes it for.
const { default: TestRunner } = require('jest-runner') as typeof jestRunner;
type Run = Parameters<InstanceType<typeof TestRunner>['runTests']>;

/**
 * Jest's own runner, with one file after the other, each in a process of its own. Jest lets one runner finish before it comes to that of the next
 * project, so that these have the machine alone.
 */
export default class AloneRunner extends TestRunner {
  override async runTests(...[tests, watcher, options]: Run): Promise<void> {
    for (const test of tests) await super.runTests([test], watcher, options);
  }
}
