import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { AllSessionsDocument, type AllSessionsQuery, RevokeSessionDocument, type SessionFilter } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Confirm } from '../parts/dialog.js';
import { ActForm, Choice, type Entered, Field } from '../parts/form.js';
import { Empty, Pager, usePages } from '../parts/pages.js';
import { Failure, Loading } from '../parts/problem.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { Link, useRoute } from '../router.js';
import { SessionRow } from '../sessions/session-row.js';
import { counted, deviceKinds } from '../words.js';
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

function Filters({ userId, act }: { readonly userId: string; readonly act: (entered: Entered) => void }) {
  return (
    <ActForm act={act} submit="Show" className="filters">
      <Field label="Id of the user" name="user" isOptional defaultValue={userId} />
      <Choice label="State" name="state" options={states} defaultValue="ACTIVE" />
      <Field label="IP address" name="address" isOptional />
      <MoreFilters summary="More filters">
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

function Owner({ session: { user } }: { readonly session: Row }) {
  const { can } = useMe();
  if (user === null) return 'a deleted account';
  return can('users:read') ? <Link to={`users/${encodeURIComponent(user.id)}`}>{user.email}</Link> : user.email;
}

interface ListProps {
  readonly filter: SessionFilter;
  readonly pages: ReturnType<typeof usePages>;
}

function SessionList({ filter, pages }: ListProps) {
  const { can } = useMe();
  const mutate = useMutate();
  const [ending, setEnding] = useState<Row | null>(null);
  const { data, previousData, error, refetch } = useQuery(AllSessionsDocument, {
    variables: { filter, first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
    errorPolicy: 'all',
  });
  // What was found before is not what was asked for now.
  const list = (data ?? (error === undefined ? previousData : undefined))?.allSessions;
  if (list === undefined)
    return error === undefined ? <Loading what="sessions" /> : <Failure problem={error} onRetry={() => void refetch()} />;
  return (
    <>
      <ul className="rows" aria-label="All sessions">
        {list.nodes.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            owner={<Owner session={session} />}
            action={
              can('sessions:revoke') &&
              session.state === 'ACTIVE' &&
              !session.isCurrent && (
                <button
                  type="button"
                  onClick={() => setEnding(session)}
                  aria-label={`End ${session.device.label} of ${session.user?.email ?? '?'}`}
                >
                  End
                </button>
              )
            }
          />
        ))}
      </ul>
      {list.nodes.length === 0 && <Empty text="No session fits." place={list.pageInfo} />}
      <Pager pages={pages} place={list.pageInfo} what="sessions" />
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
  const { params } = useRoute();
  const userId = params.get('user') ?? '';
  const pages = usePages();
  const [filter, setFilter] = useState<SessionFilter>({ state: 'ACTIVE', userId: userId || null });
  const [isEnding, setEnding] = useState(false);
  const [news, setNews] = useState({ text: '', round: 0 });
  const show = (entered: Entered) => {
    pages.reset();
    setFilter(sessionFilterOf(entered));
  };
  const mayEnd = isNarrow(filter) && (filter.state === 'ACTIVE' || filter.state === null);
  return (
    <View title="All sessions">
      <Filters userId={userId} act={show} />
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
      <SessionList key={news.round} filter={filter} pages={pages} />
      {isEnding && (
        <RevokeDialog
          filter={filter}
          onClose={() => setEnding(false)}
          onDone={(count) => setNews({ text: `${counted(count, 'session was', 'sessions were')} ended.`, round: news.round + 1 })}
        />
      )}
    </View>
  );
}
