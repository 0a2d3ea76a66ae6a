// Other releases of Node than the one that runs, for tests: from packages that carry the binary, into a cache folder, without an install
// script. They are no dependency, since `npm ci` would then download a hundred megabytes for everybody.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** By name: the exact version, and for each processor the integrity of its package (`npm view PACKAGE@VERSION dist.integrity`). */
export const releases = {
  lts: {
    version: '26.10.0',
    integrity: {
      x64: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
      arm64: 'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
    },
  },
  oldest: {
    version: '20.19.0',
    integrity: {
      x64: 'sha512-HzVYgEgabV/n3nP2F9mcxS0Nxgg99jynX9CMovakLmSYTuTdQRbbtw0yadY8+qKcqXfiDAtb2hmtR7nDPzclGA==',
      arm64: 'sha512-kT7jX7frbsrMrXMsBaFt3Th1SWs5VjxTzd0U8vxcmdCFkaqeu5hFK0+QoYfIo5drmr3DmwJfLtO2gnD/7hNE/Q==',
    },
  },
};

const cache = fileURLToPath(new URL('../node_modules/.cache/latchkey/', import.meta.url));

/** There is no binary for this platform, or the registry did not give it. */
export class NodeUnavailableError extends Error {}

/** Asks the binary itself, so that one for another machine or another C library is not taken for good. */
function runs(program, version) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return stdout?.trim() === `v${version}`;
}

/** Into a folder of its own that is moved into place when it is whole: an interrupted or a second installation does no harm. */
function install(packageName, version, integrity, target) {
  process.stderr.write(`Installing Node ${version}, once ...\n`);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, `node-${version}-`));
  try {
    const dependencies = { [packageName]: version };
    const packages = { '': { dependencies }, [`node_modules/${packageName}`]: { version, integrity } };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }));
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
    if (npm.stderr?.includes('EINTEGRITY')) throw new Error(`${packageName} ${version} is not the package whose hash is pinned here.`);
    if (npm.status !== 0) throw new NodeUnavailableError(`npm cannot install ${packageName} ${version}: ${reasonOf(npm)}`);
    if (!runs(join(folder, 'node_modules', packageName, 'bin', 'node'), version)) {
      throw new NodeUnavailableError(`the binary of ${packageName} ${version} does not run here`);
    }
    moveInto(target, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function moveInto(target, folder) {
  try {
    renameSync(folder, target);
  } catch (error) {
    // Another process was quicker: its copy is as good.
    if (!existsSync(target)) throw error;
  }
}

const reasonOf = ({ error, stderr }) =>
  error?.message ?? stderr.split('\n').find((line) => line.startsWith('npm error')) ?? 'it says nothing';

/**
 * The folder that holds `node` of a release of the table, installed when it is not there yet. Throws `NodeUnavailableError`, with a
 * reason that can be shown, where there is none to be had, and another error where the registry gives something else than is pinned.
 */
export function provideNode(name) {
  const { version, integrity } = releases[name];
  const { platform, arch } = process;
  if (platform !== 'linux' || integrity[arch] === undefined) {
    throw new NodeUnavailableError(`no package with Node ${version} is known for ${platform} on ${arch}`);
  }
  const packageName = `node-linux-${arch}`;
  const target = join(cache, `node-${version}`);
  const folder = join(target, 'node_modules', packageName, 'bin');
  if (!runs(join(folder, 'node'), version)) {
    rmSync(target, { recursive: true, force: true });
    install(packageName, version, integrity[arch], target);
  }
  return folder;
}

/** Runs a command to its end with that release first on the PATH. Comes back with the exit code; 1 where a signal ended it. */
export function runWithNode(folder, [command, ...parameters]) {
  const environment = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const { status, error } = spawnSync(command, parameters, { stdio: 'inherit', env: environment });
  if (error !== undefined) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  return status ?? 1;
}
