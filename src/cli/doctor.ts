import type { Command } from 'commander';
import type { Check, CheckStatus } from '../doctor/check.js';
import { examine } from '../doctor/doctor.js';
import { exitCodes } from './exit-codes.js';
import { type Report, reporting, subcommand } from './subcommand.js';

const marks: Readonly<Record<CheckStatus, string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

function lines(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, status, message }) => `${marks[status]}  ${name.padEnd(width)}  ${message}`).join('\n');
}

async function doctor({ fix = false }: { readonly fix?: boolean }): Promise<Report> {
  const checks = await examine({ mend: fix });
  const isWell = checks.every(({ status }) => status !== 'fail');
  return { json: { ok: isWell, checks }, text: lines(checks), exitCode: isWell ? exitCodes.done.code : exitCodes.refused.code };
}

export function addDoctor(parent: Command): void {
  subcommand(
    parent,
    'doctor',
    'Examine settings, store, keys and machine, and say what to do, one line for each check. Only what FAILs is wrong; warnings are for production. ' +
      'Nothing is changed or made without --fix.',
    { ok: 'false: something is wrong', checks: 'each with name, status (ok, warn, fail), message' },
  )
    .option(
      '--fix',
      'migrate the database, make missing indexes, bring a drifted TTL back, take private files from other users; a unique index is never dropped',
    )
    .action(reporting(doctor));
}
