import type { Command } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.js';
import { writeOut } from './output.js';

/** What a command found or did: for programs, and for people. */
export interface Report {
  readonly json: object;
  /** Lines without a break at the end. */
  readonly text: string;
  readonly exitCode?: ExitCode;
}

/** Adds a command with what all of them have. `fields`: the members of the JSON document, and what they mean. */
export function subcommand(parent: Command, name: string, about: string, fields: Readonly<Record<string, string>>): Command {
  const width = Math.max(...Object.keys(fields).map((field) => field.length));
  const lines = Object.entries(fields).map(([field, meaning]) => `  ${field.padEnd(width)}  ${meaning}`);
  return parent
    .command(name)
    .description(about)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nJSON:\n${lines.join('\n')}`);
}

/** An action whose report is printed in the form that was asked for. */
export function reporting<Args extends unknown[]>(run: (...args: Args) => Promise<Report>) {
  return async (...args: [...Args, ...unknown[]]): Promise<void> => {
    const command = args.at(-1) as Command;
    const report = await run(...(args as unknown as Args));
    await writeOut(command.opts().json === true ? JSON.stringify(report.json, null, 2) : report.text);
    process.exitCode = report.exitCode ?? exitCodes.done.code;
  };
}
