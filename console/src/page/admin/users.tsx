import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { CreateUserDocument, type UserFilter, type UserRowFragment, UsersDocument } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Cancel, Dialog } from '../parts/dialog.js';
import { ActForm, Choice, type Entered, Field } from '../parts/form.js';
import { Instant } from '../parts/instant.js';
import { Empty, Pager, usePages } from '../parts/pages.js';
import { Failure, Loading } from '../parts/problem.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { Link, navigate } from '../router.js';
import { userFilterOf } from './filters.js';
import { RoleChecks, RoleChoice } from './role-choice.js';

const yesOrNo = [
  ['', 'any'],
  ['yes', 'yes'],
  ['no', 'no'],
] as const;

function UserRow({ user }: { readonly user: UserRowFragment }) {
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          <Link to={`users/${encodeURIComponent(user.id)}`}>{user.email}</Link>{' '}
          {user.roles.map((role) => (
            <span key={role} className="tag">
              {role}
            </span>
          ))}{' '}
          {user.disabled !== null && <span className="tag alarming">disabled</span>}{' '}
          {!user.emailVerified && <span className="tag">not verified</span>}
        </p>
        <p className="facts">
          {user.username !== null && <span>{user.username}</span>}
          <span>
            made <Instant at={user.createdAt} />
          </span>
          <span>{user.lastLoginAt === null ? 'never signed in' : <>signed in {<Instant at={user.lastLoginAt} />}</>}</span>
        </p>
      </div>
    </li>
  );
}

function CreateUser({ onClose }: { readonly onClose: () => void }) {
  const mutate = useMutate();
  const create = async (entered: Entered, form: FormData) => {
    const username = entered('username');
    const input = { email: entered('email'), username: username === '' ? null : username, roles: form.getAll('role').map(String) };
    const { createUser } = await mutate(CreateUserDocument, { input });
    onClose();
    navigate(`users/${encodeURIComponent(createUser.id)}`);
  };
  return (
    <Dialog title="New user" onClose={onClose}>
      <p>The person gets a mail with a link to choose a password.</p>
      <ActForm act={create} submit="Create" beside={<Cancel onClick={onClose} />}>
        <Field label="Email of the user" name="email" type="email" hasFocus />
        <Field label="Username (optional)" name="username" isOptional />
        <RoleChecks held={[]} legend="Roles" />
      </ActForm>
    </Dialog>
  );
}

function UserList({ filter, pages }: { readonly filter: UserFilter; readonly pages: ReturnType<typeof usePages> }) {
  const { data, previousData, error, refetch } = useQuery(UsersDocument, {
    variables: { filter, first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
  });
  const users = (data ?? previousData)?.users;
  if (error !== undefined) return <Failure problem={error} onRetry={() => void refetch()} />;
  if (users === undefined) return <Loading what="users" />;
  return (
    <>
      <ul className="rows" aria-label="Users">
        {users.nodes.map((user) => (
          <UserRow key={user.id} user={user} />
        ))}
      </ul>
      {users.nodes.length === 0 && <Empty text="Nobody fits." place={users.pageInfo} />}
      <Pager pages={pages} place={users.pageInfo} what="users" />
    </>
  );
}

export function UsersView() {
  const { can } = useMe();
  const pages = usePages();
  const [filter, setFilter] = useState<UserFilter>({});
  const [isCreating, setCreating] = useState(false);
  const show = (entered: Entered) => {
    pages.reset();
    setFilter(userFilterOf(entered));
  };
  return (
    <View
      title="Users"
      actions={
        can('users:write') && (
          <button type="button" onClick={() => setCreating(true)}>
            New user …
          </button>
        )
      }
    >
      <ActForm act={show} submit="Search" className="filters">
        <Field label="Address or username begins with" name="search" type="search" isOptional />
        <RoleChoice />
        <Choice label="Disabled" name="disabled" options={yesOrNo} />
        <Choice label="Address verified" name="verified" options={yesOrNo} />
      </ActForm>
      <UserList filter={filter} pages={pages} />
      {isCreating && <CreateUser onClose={() => setCreating(false)} />}
    </View>
  );
}
