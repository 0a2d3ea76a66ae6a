import { View } from '../parts/view.js';
import { Link } from '../router.js';
import type { Mailed } from './mailed.js';
import { VerifyAgain } from './verify-again.js';

/** Whether there is such an account is not told, here either. */
const texts = {
  verification: 'If it can be used, a mail with a link is on its way. Follow it to verify the address, then sign in.',
  reset: 'If it has an account, a mail with a link to choose a new password is on its way. The link is good for a while, and once.',
};

interface CheckMailProps {
  readonly mailed: Mailed | null;
  readonly onMailed: (mailed: Mailed) => void;
}

export function CheckMail({ mailed, onMailed }: CheckMailProps) {
  return (
    <View title="Check your mail" isNarrow>
      {mailed === null ? (
        <p>If you asked for a mail, it is on its way.</p>
      ) : (
        <p>
          You gave the address <strong>{mailed.email}</strong>. {texts[mailed.kind]}
        </p>
      )}
      <p>Nothing after a few minutes? Look among unwanted mail, then ask again.</p>
      {mailed?.kind === 'verification' && <VerifyAgain email={mailed.email} onMailed={onMailed} />}
      <p className="ways">
        <Link to="">To sign in</Link>
        {mailed?.kind !== 'verification' && <Link to="forgotten">{mailed === null ? 'Forgotten your password?' : 'Ask again'}</Link>}
      </p>
    </View>
  );
}
