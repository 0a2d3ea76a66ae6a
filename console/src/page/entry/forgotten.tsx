import { useApolloClient } from '@apollo/client/react';
import { RequestPasswordResetDocument } from '../generated/operations.js';
import { ActForm, type Entered, Field } from '../parts/form.js';
import { View } from '../parts/view.js';
import { Link } from '../router.js';
import type { Mailed } from './mailed.js';

export function Forgotten({ onMailed }: { readonly onMailed: (mailed: Mailed) => void }) {
  const apollo = useApolloClient();
  const ask = async (entered: Entered) => {
    const email = entered('email');
    await apollo.mutate({ mutation: RequestPasswordResetDocument, variables: { email } });
    onMailed({ kind: 'reset', email });
  };
  return (
    <View title="Forgotten password" isNarrow>
      <p>You get a mail with a link to choose a new one.</p>
      <ActForm act={ask} submit="Send the mail">
        <Field label="Email" name="email" type="email" autoComplete="email" />
      </ActForm>
      <p className="ways">
        <Link to="">Back to sign in</Link>
      </p>
    </View>
  );
}
