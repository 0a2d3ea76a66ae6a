import { useAuth } from 'latchkey-client/react';
import { useState } from 'react';

export function SignIn({ reason }: { reason: string }) {
  const { client } = useAuth();
  const [problem, setProblem] = useState(reason === 'NO_SESSION' ? '' : `You were signed out: ${reason}`);
  const signIn = async (form: FormData) => {
    const credentials = { login: String(form.get('login')), password: String(form.get('password')) };
    await client.login(credentials).catch((error: Error) => setProblem(error.message));
  };
  return (
    <form action={signIn}>
      <input name="login" aria-label="Email or username" autoComplete="username" />
      <input name="password" aria-label="Password" autoComplete="current-password" type="password" />
      <button type="submit">Sign in</button>
      <p role="status">{problem}</p>
    </form>
  );
}
