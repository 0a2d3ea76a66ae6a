import { useAuth } from 'latchkey-client/react';
import { leaveWith, stay } from '../farewell.js';
import { DeleteAccountDocument } from '../generated/operations.js';
import { Cancel, Dialog } from '../parts/dialog.js';
import { ActForm, type Entered, Field, secretIn } from '../parts/form.js';
import { useMutate } from '../reauthentication.js';

export function DeleteAccount({ onClose }: { readonly onClose: () => void }) {
  const { client } = useAuth();
  const mutate = useMutate();
  const remove = async (_: Entered, form: FormData) => {
    leaveWith('Your account was deleted.');
    await mutate(DeleteAccountDocument, { currentPassword: secretIn(form, 'proof') }).catch((error: unknown) => {
      stay();
      throw error;
    });
    // It is gone, whether or not the server still answers this.
    await client.logout().catch(() => undefined);
  };
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <p>Your sessions end, and your personal data is removed. This cannot be undone.</p>
      <ActForm act={remove} submit="Delete my account" isDanger beside={<Cancel onClick={onClose} />}>
        <Field label="Your password" name="proof" type="password" autoComplete="current-password" />
      </ActForm>
    </Dialog>
  );
}
