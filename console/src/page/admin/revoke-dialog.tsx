import { useCallback, useEffect, useState } from 'react';
import { RevokeSessionsDocument, type RevokeSessionsMutation, type SessionFilter } from '../generated/operations.js';
import { Cancel, Dialog } from '../parts/dialog.js';
import { ActForm } from '../parts/form.js';
import { Failure } from '../parts/problem.js';
import { useMutate } from '../reauthentication.js';
import { SessionRow } from '../sessions/session-row.js';
import { counted } from '../words.js';
import { wordsOfNarrowing } from './filters.js';

type Found = RevokeSessionsMutation['revokeSessions'];
const sampleSize = 5;

interface RevokeDialogProps {
  readonly filter: SessionFilter;
  readonly onClose: () => void;
  readonly onDone: (count: number) => void;
}

/** Says first what would be ended. Sessions that begin after that and fit are ended too: the filter is what counts. */
export function RevokeDialog({ filter, onClose, onDone }: RevokeDialogProps) {
  const mutate = useMutate();
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const tryOut = useCallback(() => {
    setProblem(null);
    mutate(RevokeSessionsDocument, { filter, dryRun: true }).then(({ revokeSessions }) => setFound(revokeSessions), setProblem);
  }, [filter, mutate]);
  useEffect(tryOut, [tryOut]);
  const end = async () => {
    const { revokeSessions } = await mutate(RevokeSessionsDocument, { filter, dryRun: false });
    onDone(revokeSessions.count);
    onClose();
  };
  const count = found?.count ?? 0;
  return (
    <Dialog title="End these sessions?" onClose={onClose}>
      <p>Active sessions {wordsOfNarrowing(filter).join('; ')}.</p>
      <div role="status">{problem === null && <Outcome found={found} />}</div>
      {problem !== null && <Failure problem={problem} onRetry={tryOut} />}
      {count > 0 && (
        <ul className="rows" aria-label="Sample">
          {found?.sessions.slice(0, sampleSize).map((session) => (
            <SessionRow key={session.id} session={session} owner={session.user?.email ?? 'a deleted account'} />
          ))}
        </ul>
      )}
      <ActForm act={end} submit={count === 0 ? null : `End ${counted(count, 'session')}`} isDanger beside={<Cancel onClick={onClose} />} />
    </Dialog>
  );
}

/** In one place that is there from the beginning, so that a screen reader says it when it comes. */
function Outcome({ found }: { readonly found: Found | null }) {
  if (found === null) return <p className="loading">Loading what would be ended …</p>;
  if (found.count === 0) return <p>No active session fits that you may end. Your own is never among them.</p>;
  return (
    <p>
      <strong>{counted(found.count, 'session')}</strong> would be ended{found.count > sampleSize ? ', the newest of them:' : ':'}
    </p>
  );
}
