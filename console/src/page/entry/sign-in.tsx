import { authErrorWith } from 'latchkey-client/errors';
import { useAuth } from 'latchkey-client/react';
import { useState } from 'react';
import { ActForm, type Entered, Field, secretIn } from '../parts/form.js';
import { View } from '../parts/view.js';
import { Link } from '../router.js';
import type { Mailed } from './mailed.js';
import type { ServerInfo } from './server-info.js';
import { VerifyAgain } from './verify-again.js';

interface SignInProps {
  readonly info: ServerInfo | null;
  /** Why the session before has ended. */
  readonly notice: string | null;
  readonly onMailed: (mailed: Mailed) => void;
}

export function SignIn({ info, notice, onMailed }: SignInProps) {
  const { client } = useAuth();
  /** The address that was given; empty where it was a username. */
  const [unverified, setUnverified] = useState<string | null>(null);
  const signIn = async (entered: Entered, form: FormData) => {
    const login = entered('login');
    setUnverified(null);
    try {
      await client.login({ login, password: secretIn(form, 'password') });
    } catch (error) {
      if (authErrorWith(error, 'EMAIL_NOT_VERIFIED') !== null) setUnverified(login.includes('@') ? login : '');
      throw error;
    }
  };
  return (
    <View title="Sign in" isNarrow>
      <p role="status" className={notice === null ? undefined : 'notice'}>
        {notice}
      </p>
      <ActForm act={signIn} submit="Sign in" isSignIn>
        <Field label="Email" name="login" autoComplete="username" hint="or your username" />
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </ActForm>
      {unverified !== null && <VerifyAgain email={unverified} onMailed={onMailed} />}
      <p className="ways">
        <Link to="forgotten">Forgotten your password?</Link>
        {info?.signupEnabled !== false && <Link to="sign-up">No account yet? Make one</Link>}
      </p>
    </View>
  );
}
