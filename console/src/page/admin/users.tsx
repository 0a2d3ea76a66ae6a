import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { CreateUserDocument, type UserFilter, type UserRowFragment, UsersDocument } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Cancel, Dialog } from '../parts/dialog.js';
import { ActForm, Choice, type Entered, Field } from '../parts/form.js';
import { Instant } from '../parts/instant.js';
import { Listing } from '../parts/listing.js';
import { usePages } from '../parts/pages.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { Link, navigate } from '../router.js';
import { useAddressFilter } from './address-filter.js';
import { userFilterOf } from './filters.js';
import { RoleChecks, RoleChoice, useRoles } from './role-choice.js';

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
  const { roles, instead } = useRoles();
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
        <Field label="Email of the user" name="email" type="email" />
        <Field label="Username (optional)" name="username" isOptional />
        {roles === undefined ? instead : <RoleChecks roles={roles} held={[]} legend="Roles" />}
      </ActForm>
    </Dialog>
  );
}

function UserList({ filter }: { readonly filter: UserFilter }) {
  const pages = usePages();
  const asked = useQuery(UsersDocument, {
    variables: { filter, first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
  });
  return (
    <Listing asked={asked} list={({ users }) => users} pages={pages} name="Users" what="users" empty="Nobody fits.">
      {(user) => <UserRow key={user.id} user={user} />}
    </Listing>
  );
}

export function UsersView() {
  const { can } = useMe();
  const { filter, apply, beginning, formKey, listKey } = useAddressFilter('users', userFilterOf);
  const [isCreating, setCreating] = useState(false);
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
      <ActForm key={formKey} act={(_, form) => apply(form)} submit="Search" className="filters" beginning={beginning}>
        <Field label="Address or username begins with" name="search" type="search" isOptional />
        <RoleChoice />
        <Choice label="Disabled" name="disabled" options={yesOrNo} />
        <Choice label="Address verified" name="verified" options={yesOrNo} />
      </ActForm>
      <UserList key={listKey} filter={filter} />
      {isCreating && <CreateUser onClose={() => setCreating(false)} />}
    </View>
  );
}
