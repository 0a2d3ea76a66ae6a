import { readFileSync } from 'node:fs';
import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';
import type { MongoServer } from './mongo-server.js';

/** As in `jest-setup.ts`, and at once: Jest compiles what an environment imports only while it loads it. */
const mongoServer = './mongo-server';
const { startMongo } = require(mongoServer) as typeof import('./mongo-server.js');

/**
 * A MongoDB server of its own for each test file that asks for one, where the tests have a program for it. The one that stands in for MongoDB takes
 * a hundred times as long for a write once it has done some ten thousand, and so files would slow each other down.
 */
export default class LatchkeyEnvironment extends TestEnvironment {
  private readonly wantsMongo: boolean;
  private server: MongoServer | null = null;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.wantsMongo = /describeStores|LATCHKEY_TEST_MONGO_URL/.test(readFileSync(context.testPath, 'utf8'));
  }

  override async setup(): Promise<void> {
    await super.setup();
    const program = process.env.LATCHKEY_TEST_MONGO_PROGRAM;
    if (!this.wantsMongo || program === undefined) return;
    this.server = await startMongo(JSON.parse(program));
    // The machine is busy with other files as well. How long a call may take is tested on other servers.
    this.global.process.env.LATCHKEY_TEST_MONGO_URL = `${this.server.url}&timeoutMS=15000`;
  }

  override async teardown(): Promise<void> {
    await this.server?.remove();
    await super.teardown();
  }
}
