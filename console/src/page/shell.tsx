import { useAuth } from 'latchkey-client/react';
import { type ReactNode, useState } from 'react';
import { leaveWith, stay } from './farewell.js';
import { type Permission, useMe } from './me.js';
import { Problem } from './parts/problem.js';
import { hasSandbox } from './place.js';
import { isOtherDocument, Link, navigate, useRoute } from './router.js';

interface Entry {
  readonly to: string;
  readonly text: string;
  readonly needs?: Permission;
}
const ownViews: readonly Entry[] = [
  { to: '', text: 'Your sessions' },
  { to: 'activity', text: 'Activity' },
  { to: 'account', text: 'Account' },
];
const administration: readonly Entry[] = [
  { to: 'users', text: 'Users', needs: 'users:read' },
  { to: 'all-sessions', text: 'All sessions', needs: 'sessions:read' },
  { to: 'audit', text: 'Audit log', needs: 'audit:read' },
];
const development: readonly Entry[] = hasSandbox ? [{ to: 'sandbox', text: 'Sandbox' }] : [];

function Entries({ entries }: { readonly entries: readonly Entry[] }) {
  const { segments } = useRoute();
  return entries.map(({ to, text }) => (
    <li key={to}>
      <Link to={to} isCurrent={to === (segments[0] ?? '')}>
        {text}
      </Link>
    </li>
  ));
}

function SignOut() {
  const { client } = useAuth();
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const signOut = async () => {
    if (isBusy) return;
    setBusy(true);
    setProblem(null);
    leaveWith('You signed out.');
    try {
      await client.logout();
      // Another document would not know why nobody is signed in.
      if (!isOtherDocument('')) navigate('', 'replace');
    } catch (error) {
      stay();
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" aria-disabled={isBusy} onClick={signOut}>
        {isBusy ? 'Signing out …' : 'Sign out'}
      </button>
      <Problem problem={problem} />
    </>
  );
}

/** Around every view, also while nobody is signed in. */
export function Frame({ children, head }: { readonly children: ReactNode; readonly head?: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">
        To the content
      </a>
      <header className="top">
        <span className="brand">Latchkey</span>
        {head}
      </header>
      <main id="main">{children}</main>
    </>
  );
}

export function Shell({ children }: { readonly children: ReactNode }) {
  const { me, can } = useMe();
  const allowed = administration.filter(({ needs }) => needs === undefined || can(needs));
  return (
    <Frame
      head={
        <>
          <nav aria-label="Views">
            <ul>
              <Entries entries={[...ownViews, ...allowed, ...development]} />
            </ul>
          </nav>
          <div className="whoami">
            <span>{me.email}</span>
            <SignOut />
          </div>
        </>
      }
    >
      {children}
    </Frame>
  );
}
