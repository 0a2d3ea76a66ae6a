import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import {
  DisableUserDocument,
  EnableUserDocument,
  SendPasswordResetDocument,
  SetUserRolesDocument,
  UserDocument,
  type UserQuery,
} from '../generated/operations.js';
import { useMe } from '../me.js';
import { Cancel, Confirm, Dialog } from '../parts/dialog.js';
import { ActForm, type Entered, Field } from '../parts/form.js';
import { Instant } from '../parts/instant.js';
import { Failure, Loading } from '../parts/problem.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { Link } from '../router.js';
import { RoleChecks, useRoles } from './role-choice.js';

type Account = NonNullable<UserQuery['user']>;

function Facts({ user }: { readonly user: Account }) {
  const { disabled } = user;
  return (
    <dl className="pairs">
      <dt>Id</dt>
      <dd>{user.id}</dd>
      <dt>Username</dt>
      <dd>{user.username ?? 'none'}</dd>
      <dt>Email address</dt>
      <dd>{user.emailVerified ? 'verified' : 'not verified'}</dd>
      <dt>Made</dt>
      <dd>
        <Instant at={user.createdAt} />
      </dd>
      <dt>Last sign-in</dt>
      <dd>{user.lastLoginAt === null ? 'never' : <Instant at={user.lastLoginAt} />}</dd>
      <dt>Password changed</dt>
      <dd>{user.passwordChangedAt === null ? 'never' : <Instant at={user.passwordChangedAt} />}</dd>
      <dt>State</dt>
      <dd>
        {disabled === null ? (
          'enabled'
        ) : (
          <>
            disabled <Instant at={disabled.at} />
            {disabled.until !== null && (
              <>
                , enabled again <Instant at={disabled.until} />
              </>
            )}
            {disabled.reason !== null && <>: {disabled.reason}</>}
          </>
        )}
      </dd>
    </dl>
  );
}

function Disable({ user, onClose }: { readonly user: Account; readonly onClose: () => void }) {
  const mutate = useMutate();
  const disable = async (entered: Entered) => {
    const until = entered('until');
    await mutate(DisableUserDocument, {
      userId: user.id,
      reason: entered('reason') || null,
      until: until === '' ? null : new Date(until).toISOString(),
    });
    onClose();
  };
  return (
    <Dialog title={`Disable ${user.email}?`} onClose={onClose}>
      <p>The person is signed out everywhere at once, and cannot sign in.</p>
      <ActForm act={disable} submit="Disable" isDanger beside={<Cancel onClick={onClose} />}>
        <Field label="Reason (optional)" name="reason" isOptional hint="The person does not see it." />
        <Field label="Until (optional)" name="until" type="datetime-local" isOptional hint="Empty: until somebody enables the account." />
      </ActForm>
    </Dialog>
  );
}

function Roles({ user }: { readonly user: Account }) {
  const mutate = useMutate();
  const { refetch } = useMe();
  const { roles, instead } = useRoles();
  const set = async (_: Entered, form: FormData) => {
    await mutate(SetUserRolesDocument, { userId: user.id, roles: form.getAll('role').map(String) });
    // It is done, whether or not one's own account, which it may be, comes anew.
    refetch().catch(() => undefined);
  };
  return (
    <section className="card" aria-label="Roles">
      <h2>Roles</h2>
      {roles === undefined ? (
        instead
      ) : (
        <ActForm act={set} submit="Set roles" done="The roles act from now on.">
          <RoleChecks key={user.roles.join()} roles={roles} held={user.roles} legend="What the person may do" />
        </ActForm>
      )}
    </section>
  );
}

type Question = 'disable' | 'enable' | 'reset';

function Acts({ user }: { readonly user: Account }) {
  const mutate = useMutate();
  const [question, setQuestion] = useState<Question | null>(null);
  const [news, setNews] = useState('');
  const close = () => setQuestion(null);
  const reset = async () => {
    await mutate(SendPasswordResetDocument, { userId: user.id });
    setNews('The mail is on its way.');
  };
  return (
    <>
      <div className="actions">
        <button type="button" onClick={() => setQuestion('reset')}>
          Send password reset …
        </button>
        {user.disabled === null ? (
          <button type="button" className="danger" onClick={() => setQuestion('disable')}>
            Disable …
          </button>
        ) : (
          <button type="button" onClick={() => setQuestion('enable')}>
            Enable …
          </button>
        )}
      </div>
      <p role="status" className="done">
        {news}
      </p>
      {question === 'disable' && <Disable user={user} onClose={close} />}
      {question === 'enable' && (
        <Confirm
          title={`Enable ${user.email}?`}
          text="The person can sign in again."
          submit="Enable"
          act={() => mutate(EnableUserDocument, { userId: user.id })}
          onClose={close}
        />
      )}
      {question === 'reset' && (
        <Confirm
          title="Send password reset?"
          text={`${user.email} gets a link to choose a new password. The present one stays good until then.`}
          submit="Send the mail"
          act={reset}
          onClose={close}
        />
      )}
    </>
  );
}

export function UserView({ id }: { readonly id: string }) {
  const { can } = useMe();
  const { data, error, refetch } = useQuery(UserDocument, { variables: { id }, fetchPolicy: 'cache-and-network' });
  const user = data?.user;
  const query = `?user=${encodeURIComponent(id)}`;
  return (
    <View title={user?.email ?? 'User'}>
      <p>
        <Link to="users">All users</Link>
      </p>
      {data === undefined && error === undefined && <Loading what="the user" />}
      {error !== undefined && <Failure problem={error} onRetry={() => void refetch()} />}
      {user === null && <p>There is no such user any more.</p>}
      {user !== undefined && user !== null && (
        <>
          <section className="card" aria-label="Account">
            <Facts user={user} />
            <p className="facts">
              {can('sessions:read') && <Link to={`all-sessions${query}`}>Sessions</Link>}
              {can('audit:read') && <Link to={`audit${query}`}>Audit log</Link>}
            </p>
            {can('users:write') && <Acts user={user} />}
          </section>
          {can('users:write') && <Roles user={user} />}
        </>
      )}
    </View>
  );
}
