import { useQuery } from '@apollo/client/react';
import { type AuditEventFilter, AuditEventsDocument, type AuditEventsQuery, type AuditEventType } from '../generated/operations.js';
import { useMe } from '../me.js';
import { EventRow } from '../parts/event-row.js';
import { ActForm, Field } from '../parts/form.js';
import { Listing } from '../parts/listing.js';
import { usePages } from '../parts/pages.js';
import { Person } from '../parts/person.js';
import { View } from '../parts/view.js';
import { Link } from '../router.js';
import { wordsOfName } from '../words.js';
import { useAddressFilter } from './address-filter.js';
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

/** The session that it concerns, whatever its state by now. */
function Session({ id }: { readonly id: string }) {
  const { can } = useMe();
  const text = `session ${id}`;
  return <span>{can('sessions:read') ? <Link to={`all-sessions?session=${encodeURIComponent(id)}&state=`}>{text}</Link> : text}</span>;
}

function Row({ event }: { readonly event: Event }) {
  const { actor, user, sessionId } = event;
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
      related={sessionId !== null && <Session id={sessionId} />}
    />
  );
}

interface FiltersProps {
  readonly beginning: URLSearchParams;
  readonly apply: (form: FormData) => void;
}

function Filters({ beginning, apply }: FiltersProps) {
  const chosen = beginning.getAll('type');
  return (
    <ActForm act={(_, form) => apply(form)} submit="Show" className="filters" beginning={beginning}>
      <Field label="Id of the user" name="user" isOptional />
      <Field label="IP address" name="address" isOptional />
      <MoreFilters summary="Only some kinds of event">
        <fieldset className="wide">
          <legend>Kinds of event</legend>
          {Object.keys(types).map((type) => (
            <label key={type} className="check">
              <input type="checkbox" name="type" value={type} defaultChecked={chosen.includes(type)} />
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

function EventList({ filter }: { readonly filter: AuditEventFilter }) {
  const pages = usePages();
  const asked = useQuery(AuditEventsDocument, {
    variables: { filter, first: 50, after: pages.after },
    fetchPolicy: 'cache-and-network',
    errorPolicy: 'all',
  });
  return (
    <Listing asked={asked} list={({ auditEvents }) => auditEvents} pages={pages} name="Events" what="events" empty="No event fits.">
      {(event) => <Row key={event.id} event={event} />}
    </Listing>
  );
}

export function AuditView() {
  const { filter, apply, beginning, formKey, listKey } = useAddressFilter('audit', auditFilterOf);
  return (
    <View title="Audit log">
      <SignInChart />
      <Filters key={formKey} beginning={beginning} apply={apply} />
      <EventList key={listKey} filter={filter} />
    </View>
  );
}
