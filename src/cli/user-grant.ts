import { openAuth } from '../app.js';
import { AuthError } from '../auth/errors.js';
import { roleNames } from '../auth/roles.js';
import { loadConfig } from '../config.js';
import { explain } from '../explain.js';

/** `latchkey user grant LOGIN ROLE`. Prints the account's roles; exits with 1 and a reason when nothing was granted. */
export async function userGrant(login: string, role: string): Promise<void> {
  try {
    const auth = await openAuth({ ...loadConfig(), logLevel: 'error' });
    try {
      const account = await auth.services.accounts.grantRole(login, role);
      process.stdout.write(`${account.email}: ${account.roles.join(', ')}\n`);
    } finally {
      await auth.close();
    }
  } catch (error) {
    process.stderr.write(`${error instanceof AuthError ? refusal(error) : explain(error)}\n`);
    process.exitCode = 1;
  }
}

const refusal = (error: AuthError): string =>
  error.code === 'NOT_FOUND' ? 'There is no account with this login.' : `There is no such role. The roles: ${roleNames.join(', ')}.`;
