import type { HeldSession } from './held-sessions.js';
import { useHeldSessions } from './sessions-context.js';

const nobody = '';
const labelOf = ({ number, email, id }: HeldSession): string => `session ${number}: ${email ?? 'unknown'} (${id.slice(0, 8)})`;

/** Says for whom operations are sent, and lets the person change it. */
export function IdentityBar() {
  const { held, sessions, current } = useHeldSessions();
  return (
    <header className="identity-bar">
      <strong>Latchkey sandbox</strong>
      {sessions.length === 0 ? (
        <span>Not signed in. Run “Sign up”: the sandbox keeps the tokens of the answer until this page is closed.</span>
      ) : (
        <>
          <label>
            Send the token of{' '}
            <select value={current?.id ?? nobody} onChange={({ target }) => held.choose(target.value === nobody ? null : target.value)}>
              {sessions.map((session) => (
                <option key={session.id} value={session.id}>
                  {labelOf(session)}
                </option>
              ))}
              <option value={nobody}>nobody (no token)</option>
            </select>
          </label>
          <button type="button" onClick={() => held.forget()} title="Forgets the tokens. The sessions go on: to end one, run “Sign out”.">
            Sign out of the sandbox
          </button>
        </>
      )}
    </header>
  );
}
