/** `ok`: nothing to do. `warn`: works, and should be looked at. `fail`: is wrong, or stops a start. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What one look found: what it is about, and what to do. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  /** One line, without a secret. */
  readonly message: string;
}

export const ok = (name: string, message: string): Check => ({ name, status: 'ok', message });
export const warn = (name: string, message: string): Check => ({ name, status: 'warn', message });
export const fail = (name: string, message: string): Check => ({ name, status: 'fail', message });
