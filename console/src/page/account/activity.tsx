import { useQuery } from '@apollo/client/react';
import { ActivityDocument } from '../generated/operations.js';
import { useLiveRefetch } from '../live.js';
import { useMe } from '../me.js';
import { EventRow } from '../parts/event-row.js';
import { Listing } from '../parts/listing.js';
import { usePages } from '../parts/pages.js';
import { View } from '../parts/view.js';

export function ActivityView() {
  const { me } = useMe();
  const pages = usePages();
  const asked = useQuery(ActivityDocument, {
    variables: { first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
  });
  useLiveRefetch(asked);
  return (
    <View title="Activity">
      <p className="lead">What happened to your account. If something here was not you, change your password and end all other sessions.</p>
      <Listing
        asked={asked}
        list={({ activity }) => activity}
        pages={pages}
        name="Activity"
        what="your activity"
        empty="Nothing has happened yet."
      >
        {(event) => <EventRow key={event.id} event={event} actor={event.actor?.id === me.id ? 'by you' : null} />}
      </Listing>
    </View>
  );
}
