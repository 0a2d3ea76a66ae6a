import { useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { farewell, stay } from '../farewell.js';
import { ServerInfoDocument } from '../generated/operations.js';
import { navigate, type Route } from '../router.js';
import { CheckMail } from './check-mail.js';
import { Forgotten } from './forgotten.js';
import type { Mailed } from './mailed.js';
import { SignIn } from './sign-in.js';
import { SignUp } from './sign-up.js';

/** The views that are only for those who are not signed in. */
export const entryPaths: readonly string[] = ['sign-in', 'sign-up', 'forgotten', 'check-mail'];

export function EntryViews({ route, reason }: { readonly route: Route; readonly reason: string }) {
  const { data } = useQuery(ServerInfoDocument);
  const [mailed, setMailed] = useState<Mailed | null>(null);
  const [notice] = useState(() => farewell(reason));
  useEffect(() => () => stay(), []);
  const tell = (next: Mailed) => {
    setMailed(next);
    navigate('check-mail');
  };
  const info = data?.serverInfo ?? null;
  switch (route.segments[0]) {
    case 'sign-up':
      return <SignUp info={info} onMailed={tell} />;
    case 'forgotten':
      return <Forgotten onMailed={tell} />;
    case 'check-mail':
      return <CheckMail mailed={mailed} onMailed={setMailed} />;
    default:
      return <SignIn info={info} notice={notice} onMailed={tell} />;
  }
}
