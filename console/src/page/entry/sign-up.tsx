import { useAuth } from 'latchkey-client/react';
import { ActForm, type Entered, Field, secretIn } from '../parts/form.js';
import { View } from '../parts/view.js';
import { Link } from '../router.js';
import type { Mailed } from './mailed.js';
import type { ServerInfo } from './server-info.js';

interface SignUpProps {
  readonly info: ServerInfo | null;
  readonly onMailed: (mailed: Mailed) => void;
}

export function SignUp({ info, onMailed }: SignUpProps) {
  const { client } = useAuth();
  const signUp = async (entered: Entered, form: FormData) => {
    const email = entered('email');
    const username = entered('username');
    const password = secretIn(form, 'password');
    const { emailVerificationRequired } = await client.signup({ email, password, ...(username !== '' && { username }) });
    if (emailVerificationRequired) onMailed({ kind: 'verification', email });
  };
  const isClosed = info?.signupEnabled === false;
  return (
    <View title="Sign up" isNarrow>
      {isClosed ? (
        <p>Sign-up is closed on this server. Ask an administrator for an account.</p>
      ) : (
        <ActForm act={signUp} submit="Sign up">
          <Field label="Email" name="email" type="email" autoComplete="email" />
          <Field label="Username (optional)" name="username" autoComplete="username" isOptional />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete="new-password"
            hint={`At least ${info?.passwordMinLength ?? 8} characters`}
          />
        </ActForm>
      )}
      <p className="ways">
        <Link to="">You have an account? Sign in</Link>
      </p>
    </View>
  );
}
