import { rmSync } from 'node:fs';

export default async function teardown(): Promise<void> {
  const directory = process.env.LATCHKEY_TEST_DIR;
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}
