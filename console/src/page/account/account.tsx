import { type ReactNode, useState } from 'react';
import { RequestEmailVerificationDocument } from '../generated/operations.js';
import { useMe } from '../me.js';
import { ActForm } from '../parts/form.js';
import { Instant } from '../parts/instant.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { DeleteAccount } from './delete-account.js';
import { ChangeEmail, ChangePassword, ChangeUsername } from './forms.js';

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Facts() {
  const { me } = useMe();
  return (
    <dl className="pairs">
      <dt>Email address</dt>
      <dd>
        {me.email} <span className="tag">{me.emailVerified ? 'verified' : 'not verified'}</span>
      </dd>
      <dt>Username</dt>
      <dd>{me.username ?? 'none'}</dd>
      <dt>Roles</dt>
      <dd>{me.roles.join(', ')}</dd>
      <dt>Member since</dt>
      <dd>
        <Instant at={me.createdAt} />
      </dd>
      <dt>Password changed</dt>
      <dd>{me.passwordChangedAt === null ? 'never' : <Instant at={me.passwordChangedAt} />}</dd>
    </dl>
  );
}

function VerifyEmail() {
  const { me } = useMe();
  const mutate = useMutate();
  return (
    <Section title="Verify your email address">
      <p>A link that is mailed to {me.email} shows that the address is yours.</p>
      <ActForm
        act={() => mutate(RequestEmailVerificationDocument, { email: me.email })}
        submit="Send the mail"
        done="The mail is on its way. Follow the link in it."
      />
    </Section>
  );
}

export function AccountView() {
  const { me } = useMe();
  const [isLeaving, setLeaving] = useState(false);
  return (
    <View title="Account">
      <Section title="What is known of you">
        <Facts />
      </Section>
      {!me.emailVerified && <VerifyEmail />}
      <Section title="Change password">
        <ChangePassword />
      </Section>
      <Section title="Change email address">
        <ChangeEmail />
      </Section>
      <Section title="Change username">
        <ChangeUsername />
      </Section>
      <Section title="Delete account">
        <p>Your sessions end, and your personal data is removed. This cannot be undone.</p>
        <button type="button" className="danger" onClick={() => setLeaving(true)}>
          Delete account …
        </button>
      </Section>
      {isLeaving && <DeleteAccount onClose={() => setLeaving(false)} />}
    </View>
  );
}
