import type { Command } from 'commander';

export function addStart(parent: Command): void {
  parent
    .command('start')
    .description(
      'Run the server until SIGTERM or SIGINT: the same as `npm start`. Its log is JSON lines on standard output. It exits with 0 after a stop, ' +
        'with 1 when its start is refused.',
    )
    .action(async () => {
      await import('../main.js');
    });
}
