import { useEffect, useState } from 'react';
import { secondsToWait, wordsFor } from '../words.js';

/** Counts down to 0 from what the server asked to wait, anew for each problem. */
export function useCountdown(problem: unknown): number {
  const [ends, setEnds] = useState(0);
  const [now, setNow] = useState(0);
  useEffect(() => {
    const seconds = secondsToWait(problem);
    const begun = performance.now();
    setNow(begun);
    setEnds(begun + seconds * 1000);
    if (seconds === 0) return;
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, [problem]);
  return Math.max(0, Math.ceil((ends - now) / 1000));
}

interface ProblemProps {
  /** Null: nothing is wrong. */
  readonly problem: unknown;
  readonly seconds?: number;
  readonly isSignIn?: boolean;
}

/** Says what is wrong, aloud to a screen reader too: the region is there before the words are. */
export function Problem({ problem, seconds = 0, isSignIn = false }: ProblemProps) {
  return (
    <div role="alert" className="problem">
      {problem !== null && problem !== undefined && <p>{wordsFor(problem, isSignIn)}</p>}
      {/* Each second read aloud would be a nuisance. */}
      {seconds > 0 && <p aria-live="off">Try again in {seconds} s.</p>}
    </div>
  );
}

interface FailureProps {
  readonly problem: unknown;
  readonly onRetry: () => void;
}

/** In the place of what could not be had. */
export function Failure({ problem, onRetry }: FailureProps) {
  return (
    <div className="failure">
      <Problem problem={problem} />
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p role="status" className="loading">
      Loading {what} …
    </p>
  );
}
