import { useAuth } from 'latchkey-client/react';
import { ChangeEmailDocument, ChangePasswordDocument, ChangeUsernameDocument } from '../generated/operations.js';
import { useMe } from '../me.js';
import { ActForm, type Entered, Field, secretIn } from '../parts/form.js';
import { useMutate } from '../reauthentication.js';

export function ChangePassword() {
  const { client } = useAuth();
  const { me, refetch } = useMe();
  const mutate = useMutate();
  const change = async (_: Entered, form: FormData) => {
    const input = { currentPassword: secretIn(form, 'present'), newPassword: secretIn(form, 'next') };
    await mutate(ChangePasswordDocument, { input });
    // It is done, whatever becomes of what follows.
    client
      .refresh()
      .then(refetch)
      .catch(() => undefined);
  };
  return (
    <ActForm act={change} submit="Change password" done="The password was changed. Every other session was ended.">
      <Login email={me.email} />
      <Field label="Present password" name="present" type="password" autoComplete="current-password" />
      <Field label="New password" name="next" type="password" autoComplete="new-password" hint="Every other session is ended." />
    </ActForm>
  );
}

/** So that a password manager knows whose password this is. */
function Login({ email }: { readonly email: string }) {
  return <input type="text" name="login" autoComplete="username" value={email} readOnly hidden />;
}

export function ChangeEmail() {
  const mutate = useMutate();
  const change = (entered: Entered, form: FormData) =>
    mutate(ChangeEmailDocument, { input: { email: entered('email'), currentPassword: secretIn(form, 'present') } });
  return (
    <ActForm
      act={change}
      submit="Change email address"
      done="A mail is on its way to the new address. It takes effect when its link is followed."
    >
      <Field label="New email address" name="email" type="email" autoComplete="email" />
      <Field label="Your password" name="present" type="password" autoComplete="current-password" />
    </ActForm>
  );
}

export function ChangeUsername() {
  const { me } = useMe();
  const mutate = useMutate();
  return (
    <ActForm
      act={(entered) => mutate(ChangeUsernameDocument, { username: entered('username') })}
      submit="Change username"
      done="The username was changed."
    >
      <Field
        key={me.username}
        label="Username"
        name="username"
        autoComplete="username"
        defaultValue={me.username ?? ''}
        hint="3 to 32 letters, digits, dots, underscores or hyphens. You can sign in with it."
      />
    </ActForm>
  );
}
