import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { AllSessionsDocument, type AllSessionsQuery, RevokeSessionDocument, type SessionFilter } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Confirm } from '../parts/dialog.js';
import { ActForm, Choice, Field } from '../parts/form.js';
import { Listing } from '../parts/listing.js';
import { usePages } from '../parts/pages.js';
import { Person } from '../parts/person.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { Link } from '../router.js';
import { EndButton } from '../sessions/end-button.js';
import { SessionRow } from '../sessions/session-row.js';
import { counted, deviceKinds } from '../words.js';
import { useAddressFilter } from './address-filter.js';
import { isNarrow, sessionFilterOf } from './filters.js';
import { MoreFilters } from './more-filters.js';
import { RevokeDialog } from './revoke-dialog.js';
import { RoleChoice } from './role-choice.js';

type Row = AllSessionsQuery['allSessions']['nodes'][number];
const kinds = Object.entries(deviceKinds);
const states = [
  ['ACTIVE', 'active'],
  ['EXPIRED', 'expired'],
  ['REVOKED', 'ended'],
  ['', 'any'],
] as const;

interface FiltersProps {
  readonly beginning: URLSearchParams;
  readonly apply: (form: FormData) => void;
}

function Filters({ beginning, apply }: FiltersProps) {
  return (
    <ActForm act={(_, form) => apply(form)} submit="Show" className="filters" beginning={beginning}>
      <Field label="Id of the user" name="user" isOptional />
      <Choice label="State" name="state" options={states} defaultValue="ACTIVE" />
      <Field label="IP address" name="address" isOptional />
      <MoreFilters summary="More filters">
        <Field label="Id of the session" name="session" isOptional />
        <Choice label="Device" name="kind" options={[['', 'any'], ...kinds]} />
        <RoleChoice />
        <Field label="User agent holds" name="agent" isOptional />
        <Field label="Signed in after" name="created-after" type="datetime-local" isOptional />
        <Field label="Signed in before" name="created-before" type="datetime-local" isOptional />
        <Field label="Last seen after" name="seen-after" type="datetime-local" isOptional />
        <Field label="Last seen before" name="seen-before" type="datetime-local" isOptional />
      </MoreFilters>
    </ActForm>
  );
}

/** The id, for what asks for one, and what the log has of it. */
function Trace({ id }: { readonly id: string }) {
  const { can } = useMe();
  return (
    <>
      <span>
        id <code>{id}</code>
      </span>
      {can('audit:read') && <Link to={`audit?session=${encodeURIComponent(id)}`}>Its events</Link>}
    </>
  );
}

function SessionList({ filter }: { readonly filter: SessionFilter }) {
  const { can } = useMe();
  const mutate = useMutate();
  const pages = usePages();
  const [ending, setEnding] = useState<Row | null>(null);
  const asked = useQuery(AllSessionsDocument, {
    variables: { filter, first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
    errorPolicy: 'all',
  });
  const actionOf = (session: Row) =>
    can('sessions:revoke') &&
    session.state === 'ACTIVE' &&
    !session.isCurrent && (
      <EndButton label={`End ${session.device.label} of ${session.user?.email ?? '?'}`} onClick={() => setEnding(session)} />
    );
  return (
    <>
      <Listing
        asked={asked}
        list={({ allSessions }) => allSessions}
        pages={pages}
        name="All sessions"
        what="sessions"
        empty="No session fits."
      >
        {(session) => (
          <SessionRow
            key={session.id}
            session={session}
            owner={session.user === null ? 'a deleted account' : <Person user={session.user} />}
            trace={<Trace id={session.id} />}
            action={actionOf(session)}
          />
        )}
      </Listing>
      {ending !== null && (
        <Confirm
          title="End this session?"
          text={`${ending.user?.email ?? 'The person'} is signed out on ${ending.device.label} at once.`}
          submit="End it"
          act={() => mutate(RevokeSessionDocument, { id: ending.id })}
          onClose={() => setEnding(null)}
        />
      )}
    </>
  );
}

export function AllSessionsView() {
  const { can } = useMe();
  const { filter, apply, beginning, query, formKey, listKey } = useAddressFilter('all-sessions', sessionFilterOf);
  const [isEnding, setEnding] = useState(false);
  const [news, setNews] = useState({ text: '', round: 0 });
  const show = (form: FormData) => {
    setNews({ ...news, text: '' });
    apply(form);
  };
  const mayEnd = isNarrow(filter) && (filter.state === 'ACTIVE' || filter.state === null);
  return (
    <View title="All sessions">
      <Filters key={formKey} beginning={beginning} apply={show} />
      {can('sessions:revoke') && (
        <div className="actions">
          <button type="button" className="danger" disabled={!mayEnd} onClick={() => setEnding(true)}>
            End all that fit …
          </button>
          {!mayEnd && <span className="hint">Narrow the list of active sessions first.</span>}
        </div>
      )}
      <p role="status" className="done">
        {news.text}
      </p>
      <SessionList key={`${news.round} ${listKey}`} filter={filter} />
      {isEnding && (
        <RevokeDialog
          key={query}
          filter={filter}
          onClose={() => setEnding(false)}
          onDone={(count) => setNews({ text: `${counted(count, 'session was', 'sessions were')} ended.`, round: news.round + 1 })}
        />
      )}
    </View>
  );
}
