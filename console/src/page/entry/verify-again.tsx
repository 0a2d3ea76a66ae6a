import { useApolloClient } from '@apollo/client/react';
import { RequestEmailVerificationDocument } from '../generated/operations.js';
import { ActForm, type Entered, Field } from '../parts/form.js';
import type { Mailed } from './mailed.js';

interface VerifyAgainProps {
  /** Empty where it is not known, as after a sign-in by username. */
  readonly email: string;
  readonly onMailed: (mailed: Mailed) => void;
}

/** Asks for another mail to verify an address. */
export function VerifyAgain({ email, onMailed }: VerifyAgainProps) {
  const apollo = useApolloClient();
  const send = async (entered: Entered) => {
    const address = entered('address');
    await apollo.mutate({ mutation: RequestEmailVerificationDocument, variables: { email: address } });
    onMailed({ kind: 'verification', email: address });
  };
  return (
    <ActForm act={send} submit="Send the mail again" done="Asked for once more.">
      <Field key={email} label="Address to verify" name="address" type="email" autoComplete="email" defaultValue={email} />
    </ActForm>
  );
}
