import { type Config, loadConfig } from './config.js';
import { explain } from './explain.js';
import { createLatchkey, type Latchkey } from './latchkey.js';
import { createLogger } from './log.js';

/** After this a stop does not wait any longer for requests in flight. */
const longestStopMs = 10_000;

/** What a person at a terminal must know; in production the log has it. */
function announce(config: Config, address: string, secretPath: string | null): void {
  const store = config.storeUrl.startsWith('sqlite:') ? config.storeUrl.slice('sqlite:'.length) : 'MongoDB';
  const lines = [
    '',
    `  Latchkey listens on ${address}`,
    `  Data    ${store}`,
    `  Secret  ${secretPath ?? 'from LATCHKEY_SECRET'}`,
    ...(config.warnings.length > 0 ? ['', '  Not for production:', ...config.warnings.map((warning) => `  - ${warning}`)] : []),
    '',
    '',
  ];
  process.stdout.write(lines.join('\n'));
}

/**
 * `npm start` puts a shell between itself and this process, and the shell takes a SIGTERM for npm to its grave without passing
 * it on: the loss of that parent is then the signal to stop.
 */
function onLossOfParent(parentId: number, stop: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid !== parentId) stop();
  }, 200);
  timer.unref();
}

function stopOnSignals(latchkey: Latchkey, logger: ReturnType<typeof createLogger>): (cause: string) => void {
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error({ afterMs: longestStopMs }, 'requests in flight did not end in time');
      process.exit(1);
    }, longestStopMs).unref();
    await latchkey.close();
    logger.info({}, 'stopped');
    process.exit(0);
  };
  const stopOrFail = (signal: string): void => {
    stop(signal).catch((error: unknown) => {
      logger.error({ err: error }, 'the stop failed');
      process.exit(1);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopOrFail(signal));
  return stopOrFail;
}

/** Starts the service and keeps it running until a signal. `parentId`: the process that started this one. A refused start says why on standard error and exits with 1. */
export async function run(parentId: number): Promise<void> {
  try {
    const config = loadConfig();
    const logger = createLogger(config.logLevel);
    const latchkey = await createLatchkey({ settings: config, logger });
    const stop = stopOnSignals(latchkey, logger);
    if (config.startedByNpm) onLossOfParent(parentId, () => stop('the loss of npm'));
    const address = await latchkey.listen();
    if (config.production) for (const warning of config.warnings) logger.warn({}, warning);
    else announce(config, address, latchkey.secretPath);
    logger.info({ address, version: latchkey.version }, 'listening');
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}
