import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '../..');

export const projectPath = (path: string): string => resolve(root, path);

/** Runs one of the project's own programs with this Node, from the project's folder unless told otherwise. */
export function runNode(parameters: readonly string[], folder = root): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { cwd: folder, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}
