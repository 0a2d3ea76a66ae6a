import type { Config } from '../config.js';
import { explain } from '../explain.js';
import type { IndexFault, StoreInspection } from '../store/inspection.js';
import { inspectStore, mendStore } from '../store/open.js';
import { StoreUnavailableError, StoreVersionError } from '../store/port.js';
import { type Check, fail, ok, warn } from './check.js';

/** Nodes take the database's clock, so a difference only shows in logs and in other services that verify tokens. */
const toleratedOffsetMs = 5_000;

/** Null where the store cannot be looked at; the checks say why. `mend`: first mends what can be, if there is anything to mend. */
export async function checkStore(
  { storeUrl }: Pick<Config, 'storeUrl'>,
  mend: boolean,
): Promise<{ readonly found: StoreInspection | null; readonly checks: readonly Check[] }> {
  try {
    const mended = mend && (await inspectStore(storeUrl)).exists ? await mendStore(storeUrl) : [];
    const found = await inspectStore(storeUrl);
    return { found, checks: [...mended.map((line) => ok('store', line)), ...stateChecks(found)] };
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof StoreVersionError)) throw error;
    return { found: null, checks: [fail('store', explain(error))] };
  }
}

function stateChecks(found: StoreInspection): Check[] {
  const { exists, version, knownVersion } = found;
  if (!exists) return [ok('store', 'reachable; there is no database yet, the first start makes it')];
  const isOld = version < knownVersion;
  const state = isOld
    ? warn('store', `reachable, schema version ${version}: the next start brings it to ${knownVersion}. Make a backup first`)
    : ok('store', `reachable, schema version ${version}`);
  return [state, ...indexChecks(found.indexFaults), ...clockChecks(found.clockOffsetMs)];
}

const advice: Readonly<Record<IndexFault['kind'], string>> = {
  missing: 'is missing: doctor --fix, or a start of the server',
  ttl: 'does not remove records when they are due, and stops a start: doctor --fix',
  different: 'has other fields or options than this version needs: drop it while no server runs, then doctor --fix',
};

function indexChecks(faults: readonly IndexFault[]): Check[] {
  if (faults.length === 0) return [ok('indexes', 'as this version needs them')];
  return faults.map(({ index, kind }) => fail('indexes', `${index} ${advice[kind]}`));
}

function clockChecks(offsetMs: number | null): Check[] {
  if (offsetMs === null) return [];
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
  if (Math.abs(offsetMs) < toleratedOffsetMs) return [ok('clock', `within ${seconds} s of the store's`)];
  return [warn('clock', `the store's clock is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} this machine's: synchronize both`)];
}
