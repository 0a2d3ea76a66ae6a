import { CommanderError } from 'commander';
import { AuthError } from '../auth/errors.js';
import { ConfigError } from '../config.js';
import { explain, isExplained } from '../explain.js';
import { type ExitCode, exitCodes } from './exit-codes.js';

/** What a command says when it does not do what it was asked. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  /** One line; nothing of what was submitted, and no stack trace. */
  readonly message: string;
  /** What had been done before, for those who read JSON. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A piece of work was cut short: `done` says how far it got, in words and as facts. */
export class HaltedError extends Error {
  override readonly name = 'HaltedError';
  constructor(
    readonly done: string,
    readonly facts: Readonly<Record<string, number>>,
    cause: unknown,
  ) {
    super(done, { cause });
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof HaltedError) {
    const failure = failureOf(error.cause);
    return { ...failure, message: `${error.done} ${failure.message}`, facts: error.facts };
  }
  if (error instanceof UsageError) return usage(error.message);
  if (error instanceof CommanderError) return usage(error.code === 'commander.help' ? 'Name a command: see --help.' : tidy(error.message));
  if (error instanceof AuthError) return { exitCode: exitCodes.refused.code, code: error.code, message: refusal(error) };
  const code = codes[error instanceof Error ? error.name : ''] ?? (isExplained(error) ? 'FILES' : 'UNEXPECTED');
  return { exitCode: exitCodes.unable.code, code, message: reason(error) };
}

const codes: Readonly<Record<string, string>> = {
  ConfigError: 'SETTINGS',
  StoreUnavailableError: 'STORE_UNAVAILABLE',
  StoreVersionError: 'STORE_VERSION',
  SealedKeyError: 'KEYS_SEALED',
};

const usage = (message: string): Failure => ({ exitCode: exitCodes.usage.code, code: 'USAGE', message });
/** One line, without the value of an option that does not exist: it may be a password. */
const tidy = (message: string): string =>
  message
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^=']*)=.*'/s, "$1'")
    .replace(/\s*\n\s*/g, ' ');

function reason(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; ');
  if (isExplained(error)) return tidy(explain(error));
  // The text of an unforeseen error may quote a value.
  return `Something unforeseen failed (${error instanceof Error ? error.name : typeof error}).`;
}

const inputs: Readonly<Record<string, string>> = {
  email: 'This is not an email address.',
  username: 'A username has 3 to 32 letters, digits, dots, hyphens and underscores.',
  password: 'The password is not valid Unicode text.',
  kid: 'Only signing keys can be revoked.',
  ids: 'At most 1,000 ids at once.',
};
const weaknesses: Readonly<Record<string, string>> = {
  TOO_SHORT: 'The password is too short.',
  TOO_LONG: 'The password is too long.',
  COMMON: 'The password is one of the commonest.',
  SAME_AS_LOGIN: 'The password is the email address or the username.',
};

function refusal({ code, message, details }: AuthError): string {
  if (code === 'NOT_FOUND') return details.field === 'kid' ? 'There is no key with this id.' : 'There is no account with this login.';
  if (code === 'BAD_USER_INPUT' && details.known) return `There is no such role: known are ${details.known.join(', ')}.`;
  if (code === 'BAD_USER_INPUT') return inputs[details.field ?? ''] ?? message;
  if (code === 'WEAK_PASSWORD') return weaknesses[details.reason ?? ''] ?? message;
  return message;
}
