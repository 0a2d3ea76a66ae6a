import { useAuth } from 'latchkey-client/react';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import { AccountView } from './account/account.js';
import { ActivityView } from './account/activity.js';
import { Boundary, Fault } from './boundary.js';
import { EntryViews, entryPaths } from './entry/entry.js';
import { LiveProvider } from './live.js';
import { MeProvider, type Permission, useMe } from './me.js';
import { Failure, Loading } from './parts/problem.js';
import { View } from './parts/view.js';
import { hasSandbox } from './place.js';
import { ReauthenticationProvider } from './reauthentication.js';
import { isOtherDocument, Link, navigate, type Route, useRoute } from './router.js';
import { SessionsView } from './sessions/sessions.js';
import { Frame, Shell } from './shell.js';

const UsersView = lazy(async () => ({ default: (await import('./admin/users.js')).UsersView }));
const UserView = lazy(async () => ({ default: (await import('./admin/user.js')).UserView }));
const AllSessionsView = lazy(async () => ({ default: (await import('./admin/all-sessions.js')).AllSessionsView }));
const AuditView = lazy(async () => ({ default: (await import('./admin/audit.js')).AuditView }));
/** The editor has some megabytes. */
const SandboxView = lazy(async () => ({ default: (await import('./sandbox/sandbox-view.js')).SandboxView }));

function Missing() {
  return (
    <View title="Nothing here">
      <p>
        There is no such page, or your roles do not show it. <Link to="">To your sessions</Link>
      </p>
    </View>
  );
}

function Allowed({ needs, children }: { readonly needs: Permission; readonly children: ReactNode }) {
  const { can } = useMe();
  return can(needs) ? children : <Missing />;
}

/** Its address was spelt in another way, for which the server has no policy that the explorer could work under. */
function ToSandbox() {
  useEffect(() => navigate('sandbox', 'replace'), []);
  return <Loading what="the view" />;
}

function viewFor({ segments: [name = '', id, ...more] }: Route): ReactNode {
  if (more.length > 0 || (id !== undefined && name !== 'users')) return <Missing />;
  switch (name) {
    case '':
      return <SessionsView />;
    case 'activity':
      return <ActivityView />;
    case 'account':
      return <AccountView />;
    case 'users':
      return <Allowed needs="users:read">{id === undefined ? <UsersView /> : <UserView key={id} id={id} />}</Allowed>;
    case 'all-sessions':
      return (
        <Allowed needs="sessions:read">
          <AllSessionsView />
        </Allowed>
      );
    case 'audit':
      return (
        <Allowed needs="audit:read">
          <AuditView />
        </Allowed>
      );
    case 'sandbox':
      if (!hasSandbox) return <Missing />;
      return isOtherDocument('sandbox') ? <ToSandbox /> : <SandboxView />;
    default:
      return <Missing />;
  }
}

function SignedIn({ route }: { readonly route: Route }) {
  const isEntry = entryPaths.includes(route.segments[0] ?? '');
  useEffect(() => {
    if (isEntry) navigate('', 'replace');
  }, [isEntry]);
  return (
    <LiveProvider>
      <MeProvider>
        <ReauthenticationProvider>
          <Shell>
            <Boundary key={route.segments.join('/')} fault={<Fault />}>
              <Suspense fallback={<Loading what="the view" />}>{isEntry ? null : viewFor(route)}</Suspense>
            </Boundary>
          </Shell>
        </ReauthenticationProvider>
      </MeProvider>
    </LiveProvider>
  );
}

/** What the first question who is signed in failed for; the client tries again by itself only where the server could not be reached. */
function useStart() {
  const { client } = useAuth();
  const [problem, setProblem] = useState<unknown>(null);
  const start = useCallback(() => {
    setProblem(null);
    client.start().catch(setProblem);
  }, [client]);
  useEffect(start, [start]);
  return { problem, start };
}

export function App() {
  const { state } = useAuth();
  const { problem, start } = useStart();
  const route = useRoute();
  if (state.kind === 'unknown') {
    return <Frame>{problem === null ? <Loading what="the console" /> : <Failure problem={problem} onRetry={start} />}</Frame>;
  }
  if (state.kind === 'signed-out') {
    return (
      <Frame>
        <EntryViews route={route} reason={state.reason} />
      </Frame>
    );
  }
  // Another session is another person's: nothing of the one before is carried over.
  return <SignedIn key={state.sessionId} route={route} />;
}
