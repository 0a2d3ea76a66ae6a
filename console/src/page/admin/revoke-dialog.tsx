import { useCallback, useEffect, useState } from 'react';
import { RevokeSessionsDocument, type RevokeSessionsMutation, type SessionFilter } from '../generated/operations.js';
import { Cancel, Dialog } from '../parts/dialog.js';
import { ActForm } from '../parts/form.js';
import { Failure, Loading } from '../parts/problem.js';
import { useMutate } from '../reauthentication.js';
import { SessionRow } from '../sessions/session-row.js';
import { counted } from '../words.js';

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
  return (
    <Dialog title="End these sessions?" onClose={onClose}>
      {problem !== null && <Failure problem={problem} onRetry={tryOut} />}
      {found === null && problem === null && <Loading what="what would be ended" />}
      {found !== null && found.count === 0 && <p>No active session fits that you may end. Your own is never among them.</p>}
      {found !== null && found.count > 0 && (
        <>
          <p>
            <strong>{counted(found.count, 'session')}</strong> would be ended{found.count > sampleSize ? ', the newest of them:' : ':'}
          </p>
          <ul className="rows" aria-label="Sample">
            {found.sessions.slice(0, sampleSize).map((session) => (
              <SessionRow key={session.id} session={session} owner={session.user?.email ?? 'a deleted account'} />
            ))}
          </ul>
          <ActForm act={end} submit={`End ${counted(found.count, 'session')}`} isDanger beside={<Cancel onClick={onClose} />} />
        </>
      )}
      {(found === null || found.count === 0) && <Cancel onClick={onClose} />}
    </Dialog>
  );
}
