// The tests a second time, on the present long-term release of Node: build, a walk through a server that was started from the build, and
// what of the tests depends on Node. The same walk on the oldest release that is supported. Arguments go to Jest.
import { NodeUnavailableError, provideNode, releases, runWithNode } from './node-releases.mjs';

/** Not again: what takes long and would find nothing that another Node can change. */
const omitted = [
  'test/architecture/', // judges files
  'test/browser/', // judges pages, in a browser's own engine
  'test/cli/(doctor|keys|sessions|usage|users)[.]', // many short processes; the walk above and the tests of the services beneath remain
  'test/deploy/', // judges a script of the database's shell
  'test/library/package[.]', // installs the package
  'test/api/(administration-races|credential-races|races|revocation|throttling)[.]', // compares what databases do with writes at once
  'test/services/verifier[.]', // compares two judges in thousands of states
  'test/verify/languages[.]', // runs programs in other languages
  'test/store/mongo-outage[.]', // waits for timeouts of the driver
  'test/store/states[.]', // compares the two stores in thousands of states
];

function banner(reason) {
  const lines = ['THE TESTS ON OTHER RELEASES OF NODE ARE SKIPPED', reason];
  const width = Math.max(...lines.map((line) => line.length));
  const edge = '#'.repeat(width + 6);
  return ['', edge, ...lines.map((line) => `## ${line.padEnd(width)} ##`), edge, ''].join('\n');
}

function provideBoth() {
  try {
    return { lts: provideNode('lts'), oldest: provideNode('oldest') };
  } catch (error) {
    if (!(error instanceof NodeUnavailableError)) throw error;
    if (process.env.REQUIRE_LTS !== '1') console.error(banner(error.message));
    else {
      console.error(`REQUIRE_LTS=1, and there is no other Node to test with: ${error.message}`);
      process.exitCode = 1;
    }
    return null;
  }
}

const folders = provideBoth();
if (folders !== null) {
  const jest = ['node', 'node_modules/jest/bin/jest.js', ...omitted.flatMap((pattern) => ['--testPathIgnorePatterns', pattern])];
  const steps = [
    ['lts', 'build', ['node', 'scripts/build.mjs']],
    ['lts', 'demo', ['node', 'scripts/demo.mjs']],
    ['oldest', 'demo', ['node', 'scripts/demo.mjs']],
    ['lts', 'tests', [...jest, ...process.argv.slice(2)]],
  ];
  for (const [name, title, command] of steps) {
    console.log(`\n# Node ${releases[name].version}: ${title}`);
    if (runWithNode(folders[name], command) === 0) continue;
    console.error(`FAILED on Node ${releases[name].version}: ${title}`);
    process.exitCode = 1;
  }
}
