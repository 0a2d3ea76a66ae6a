import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import { apollo, socket } from './connection.js';
import { SessionEventsDocument } from './generated/operations.js';

export interface Live {
  /** Whether events come in. Otherwise views ask again and again. */
  readonly isLive: boolean;
  /** Rises with each event, and whenever some may have been missed. */
  readonly version: number;
}

const LiveContext = createContext<Live>({ isLive: false, version: 0 });
const secondsToNextTry = 15;
/** Between questions to the server while no events come in. */
const pollMs = 4_000;

/** Follows the person's sessions for as long as it is rendered. An end of this one reaches the client by the socket's close. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const [live, setLive] = useState<Live>({ isLive: false, version: 0 });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop = () => {};
    const begin = () => {
      const subscription = apollo.subscribe({ query: SessionEventsDocument }).subscribe({
        next: () => setLive(({ version }) => ({ isLive: true, version: version + 1 })),
        error: () => pause(),
        complete: () => pause(),
      });
      stop = () => subscription.unsubscribe();
    };
    // The store may have no events to give, or has missed some.
    const pause = () => {
      setLive(({ version }) => ({ isLive: false, version: version + 1 }));
      timer = setTimeout(begin, secondsToNextTry * 1000);
    };
    const stopListening = socket.on('connected', () => setLive(({ version }) => ({ isLive: true, version: version + 1 })));
    const stopMissing = socket.on('closed', () => setLive(({ version }) => ({ isLive: false, version })));
    begin();
    return () => {
      clearTimeout(timer);
      stopListening();
      stopMissing();
      stop();
    };
  }, []);
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** Asks anew with each event. */
export function useLiveRefetch(refetch: () => Promise<unknown>): void {
  const { version } = useContext(LiveContext);
  const latest = useRef(refetch);
  latest.current = refetch;
  // What was asked for when the view came is as new as the events until then.
  const seen = useRef(version);
  useEffect(() => {
    if (version === seen.current) return;
    seen.current = version;
    // A failure shows in the query itself.
    latest.current().catch(() => undefined);
  }, [version]);
}

export const useIsLive = (): boolean => useContext(LiveContext).isLive;

/** The interval to ask in besides, in milliseconds; 0, none, while events come in. */
export const usePollMs = (): number => (useContext(LiveContext).isLive ? 0 : pollMs);
