// node scripts/with-node.mjs lts|oldest COMMAND [ARGUMENT...]: runs a command with that release of Node first on the PATH.
import { NodeUnavailableError, provideNode, releases, runWithNode } from './node-releases.mjs';

const [name, ...command] = process.argv.slice(2);
if (!Object.hasOwn(releases, name ?? '') || command.length === 0) {
  console.error(`Usage: node scripts/with-node.mjs ${Object.keys(releases).join('|')} COMMAND [ARGUMENT...]`);
  process.exit(2);
}
try {
  process.exitCode = runWithNode(provideNode(name), command);
} catch (error) {
  if (!(error instanceof NodeUnavailableError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
