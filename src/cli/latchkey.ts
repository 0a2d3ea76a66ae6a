#!/usr/bin/env node
import { CommanderError } from 'commander';
import { failureOf } from './failures.js';
import { endWithReader } from './output.js';
import { createProgram } from './program.js';

endWithReader();
const program = createProgram();
try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  // Help that was asked for is no error.
  if (!(error instanceof CommanderError && error.exitCode === 0)) {
    const { exitCode, code, message, facts } = failureOf(error);
    // Read by hand: a command line that makes no sense has no options yet.
    const line = process.argv.includes('--json') ? JSON.stringify({ error: { code, message, ...facts } }) : message;
    process.stderr.write(`${line}\n`);
    process.exitCode = exitCode;
  }
}
