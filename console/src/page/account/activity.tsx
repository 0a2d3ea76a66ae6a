import { useQuery } from '@apollo/client/react';
import { ActivityDocument } from '../generated/operations.js';
import { useLiveRefetch } from '../live.js';
import { useMe } from '../me.js';
import { EventRow } from '../parts/event-row.js';
import { Empty, Pager, usePages } from '../parts/pages.js';
import { Failure, Loading } from '../parts/problem.js';
import { View } from '../parts/view.js';

export function ActivityView() {
  const { me } = useMe();
  const pages = usePages();
  const { data, previousData, error, refetch } = useQuery(ActivityDocument, {
    variables: { first: 20, after: pages.after },
    fetchPolicy: 'cache-and-network',
  });
  useLiveRefetch(refetch);
  const activity = (data ?? previousData)?.activity;
  return (
    <View title="Activity">
      <p className="lead">What happened to your account. If something here was not you, change your password and end all other sessions.</p>
      {activity === undefined && error === undefined && <Loading what="your activity" />}
      {error !== undefined && <Failure problem={error} onRetry={() => void refetch()} />}
      {activity !== undefined && (
        <>
          <ul className="rows" aria-label="Activity">
            {activity.nodes.map((event) => (
              <EventRow key={event.id} event={event} actor={event.actor?.id === me.id ? 'by you' : null} />
            ))}
          </ul>
          {activity.nodes.length === 0 && <Empty text="Nothing has happened yet." place={activity.pageInfo} />}
          <Pager pages={pages} place={activity.pageInfo} what="your activity" />
        </>
      )}
    </View>
  );
}
