/** The one table of exit codes; `docs/command-line.md` shows it. */
export const exitCodes = {
  done: { code: 0, about: 'Done.' },
  refused: { code: 1, about: 'Refused, nothing found, or `doctor` found something that is wrong.' },
  usage: { code: 2, about: 'Wrong usage: an unknown command or option, a missing or malformed value.' },
  unable: { code: 3, about: 'The settings or the store do not allow it.' },
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]['code'];
