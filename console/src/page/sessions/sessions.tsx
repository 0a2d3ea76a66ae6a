import { useAuth } from 'latchkey-client/react';
import { useState } from 'react';
import { leaveWith, stay } from '../farewell.js';
import {
  RevokeAllSessionsDocument,
  RevokeOtherSessionsDocument,
  RevokeSessionDocument,
  type SessionsQuery,
} from '../generated/operations.js';
import { useIsLive } from '../live.js';
import { Confirm } from '../parts/dialog.js';
import { Listing, shownOf } from '../parts/listing.js';
import { usePages } from '../parts/pages.js';
import { View } from '../parts/view.js';
import { useMutate } from '../reauthentication.js';
import { counted } from '../words.js';
import { EndButton } from './end-button.js';
import { useOwnSessions } from './own-sessions.js';
import { SessionRow } from './session-row.js';

type Row = SessionsQuery['sessions']['nodes'][number];
type Question = { readonly kind: 'one'; readonly session: Row } | { readonly kind: 'others' } | { readonly kind: 'all' };

export function SessionsView() {
  const pages = usePages();
  const asked = useOwnSessions(pages.after);
  const [question, setQuestion] = useState<Question | null>(null);
  const [news, setNews] = useState('');
  const isLive = useIsLive();
  const hasOthers = (shownOf(asked).shown?.sessions.totalCount ?? 0) > 1;
  return (
    <View
      title="Your sessions"
      actions={
        <>
          <button type="button" className="danger" disabled={!hasOthers} onClick={() => setQuestion({ kind: 'others' })}>
            End all others
          </button>
          <button type="button" className="danger" onClick={() => setQuestion({ kind: 'all' })}>
            End all
          </button>
        </>
      }
    >
      <p className="lead">
        Wherever you are signed in. {isLive !== null && (isLive ? 'Changes show at once.' : 'Changes show after some seconds.')}
      </p>
      <p role="status" className="done">
        {news}
      </p>
      <Listing asked={asked} list={({ sessions }) => sessions} pages={pages} name="Your sessions" what="your sessions" empty="No sessions.">
        {(session) => (
          <SessionRow
            key={session.id}
            session={session}
            action={
              !session.isCurrent &&
              session.state === 'ACTIVE' && (
                <EndButton label={`End ${session.device.label}`} onClick={() => setQuestion({ kind: 'one', session })} />
              )
            }
          />
        )}
      </Listing>
      {question !== null && (
        <Ending
          question={question}
          onClose={() => setQuestion(null)}
          onDone={(text) => {
            setNews(text);
            pages.reset();
            asked.refetch().catch(() => undefined);
          }}
        />
      )}
    </View>
  );
}

interface EndingProps {
  readonly question: Question;
  readonly onClose: () => void;
  readonly onDone: (news: string) => void;
}

/** Asks, and ends. */
function Ending({ question, onClose, onDone }: EndingProps) {
  const mutate = useMutate();
  const { client } = useAuth();
  switch (question.kind) {
    case 'one': {
      const { id, device } = question.session;
      const end = async () => {
        await mutate(RevokeSessionDocument, { id });
        onDone(`The session on ${device.label} was ended.`);
      };
      const text = `${device.label} is signed out at once. Whoever uses it must sign in again.`;
      return <Confirm title="End this session?" text={text} submit="End it" act={end} onClose={onClose} />;
    }
    case 'others': {
      const end = async () => {
        const { revokeOtherSessions } = await mutate(RevokeOtherSessionsDocument);
        onDone(`${counted(revokeOtherSessions.count, 'session was', 'sessions were')} ended.`);
      };
      const text = 'Every other device is signed out at once. You stay signed in here.';
      return <Confirm title="End all other sessions?" text={text} submit="End the others" act={end} onClose={onClose} />;
    }
    case 'all': {
      const end = async () => {
        leaveWith('All your sessions were ended, this one too.');
        await mutate(RevokeAllSessionsDocument).catch((error: unknown) => {
          stay();
          throw error;
        });
        // They are ended, whether or not the server still answers this.
        await client.logout().catch(() => undefined);
      };
      const text = 'Every device is signed out at once, this one too.';
      return <Confirm title="End all sessions?" text={text} submit="End all of them" act={end} onClose={onClose} />;
    }
  }
}
