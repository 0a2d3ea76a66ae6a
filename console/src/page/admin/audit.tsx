import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { type AuditEventFilter, AuditEventsDocument, type AuditEventsQuery, type AuditEventType } from '../generated/operations.js';
import { useMe } from '../me.js';
import { EventRow } from '../parts/event-row.js';
import { ActForm, type Entered, Field } from '../parts/form.js';
import { Empty, Pager, usePages } from '../parts/pages.js';
import { Failure, Loading } from '../parts/problem.js';
import { View } from '../parts/view.js';
import { Link, useRoute } from '../router.js';
import { wordsOfName } from '../words.js';
import { auditFilterOf } from './filters.js';
import { MoreFilters } from './more-filters.js';
import { SignInChart } from './sign-in-chart.js';

type Event = AuditEventsQuery['auditEvents']['nodes'][number];

/** A new type of the schema does not compile before it is here. */
const types = {
  SIGNUP: true,
  LOGIN: true,
  LOGIN_FAILED: true,
  LOGIN_THROTTLED: true,
  LOGOUT: true,
  SESSION_REVOKED: true,
  SESSIONS_REVOKED: true,
  REFRESH_REUSED: true,
  BINDING_MISMATCH: true,
  PASSWORD_CHANGED: true,
  PASSWORD_RESET_REQUESTED: true,
  PASSWORD_RESET: true,
  EMAIL_VERIFICATION_REQUESTED: true,
  EMAIL_VERIFIED: true,
  EMAIL_CHANGED: true,
  EMAIL_CHANGE_REVERTED: true,
  USERNAME_CHANGED: true,
  REAUTHENTICATED: true,
  ROLES_CHANGED: true,
  ACCOUNT_CREATED: true,
  ACCOUNT_DISABLED: true,
  ACCOUNT_ENABLED: true,
  ACCOUNT_DELETED: true,
  SIGNING_KEY_ROTATED: true,
  SIGNING_KEY_REVOKED: true,
  MAIL_GIVEN_UP: true,
} satisfies Record<AuditEventType, true>;

function Person({ user }: { readonly user: { readonly id: string; readonly email: string } }) {
  const { can } = useMe();
  return can('users:read') ? <Link to={`users/${encodeURIComponent(user.id)}`}>{user.email}</Link> : user.email;
}

function Row({ event }: { readonly event: Event }) {
  const { actor, user } = event;
  const byOther = actor !== null && actor.id !== user?.id;
  return (
    <EventRow
      event={event}
      subject={
        user !== null && (
          <span>
            <Person user={user} />
          </span>
        )
      }
      actor={
        byOther ? (
          <>
            by <Person user={actor} />
          </>
        ) : null
      }
    />
  );
}

function Filters({ userId, act }: { readonly userId: string; readonly act: (entered: Entered, form: FormData) => void }) {
  return (
    <ActForm act={act} submit="Show" className="filters">
      <Field label="Id of the user" name="user" isOptional defaultValue={userId} />
      <Field label="IP address" name="address" isOptional />
      <MoreFilters summary="Only some kinds of event">
        <fieldset className="wide">
          <legend>Kinds of event</legend>
          {Object.keys(types).map((type) => (
            <label key={type} className="check">
              <input type="checkbox" name="type" value={type} />
              {wordsOfName(type)}
            </label>
          ))}
        </fieldset>
      </MoreFilters>
      <MoreFilters summary="More filters">
        <Field label="Id of the session" name="session" isOptional />
        <Field label="After" name="after" type="datetime-local" isOptional />
        <Field label="Before" name="before" type="datetime-local" isOptional />
      </MoreFilters>
    </ActForm>
  );
}

function EventList({ filter, pages }: { readonly filter: AuditEventFilter; readonly pages: ReturnType<typeof usePages> }) {
  const { data, previousData, error, refetch } = useQuery(AuditEventsDocument, {
    variables: { filter, first: 50, after: pages.after },
    fetchPolicy: 'cache-and-network',
    // The names of people need another permission than the log: then it comes without them.
    errorPolicy: 'all',
  });
  // What was found before is not what was asked for now.
  const list = (data ?? (error === undefined ? previousData : undefined))?.auditEvents;
  if (list === undefined)
    return error === undefined ? <Loading what="events" /> : <Failure problem={error} onRetry={() => void refetch()} />;
  return (
    <>
      <ul className="rows" aria-label="Events">
        {list.nodes.map((event) => (
          <Row key={event.id} event={event} />
        ))}
      </ul>
      {list.nodes.length === 0 && <Empty text="No event fits." place={list.pageInfo} />}
      <Pager pages={pages} place={list.pageInfo} what="events" />
    </>
  );
}

export function AuditView() {
  const { params } = useRoute();
  const userId = params.get('user') ?? '';
  const pages = usePages();
  const [filter, setFilter] = useState<AuditEventFilter>({ userId: userId || null });
  const show = (entered: Entered, form: FormData) => {
    pages.reset();
    setFilter(auditFilterOf(entered, form));
  };
  return (
    <View title="Audit log">
      <SignInChart />
      <Filters userId={userId} act={show} />
      <EventList filter={filter} pages={pages} />
    </View>
  );
}
