import type { EpochMs } from '../store/records.js';

/** Ends the process quietly when whoever read the output has seen enough (`| head`). */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}

/** Resolves when the text has been taken. */
export function writeOut(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
}

/** For programs: ISO 8601 in UTC with milliseconds. */
export const instant = (at: EpochMs | null): string | null => (at === null ? null : new Date(at).toISOString());

/** For people: to the second. */
export const moment = (at: EpochMs | null): string => (at === null ? '-' : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'));

/** What a client has sent is shown, never obeyed: a terminal takes control characters for commands. */
const shown = (text: string): string => text.replace(/\p{C}/gu, '\u00b7');

/** Columns under their heads, two spaces apart. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows.map((row) => row.map((cell) => shown(cell) || '-'))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1 session`, `2 sessions`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A line for a person who waits at a terminal; programs are spared. */
export function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
}
