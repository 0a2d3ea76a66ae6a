import { useSyncExternalStore } from 'react';
import { serverNow } from '../server-clock.js';

/** Browsers may name languages that `Intl` refuses, such as `en-US@posix`. With none left it takes its own. */
const languages = navigator.languages.filter((tag) => {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
});
// 'auto' would call 25 hours ago "yesterday", whatever the calendar says.
const relative = new Intl.RelativeTimeFormat(languages, { numeric: 'always' });
const present = new Intl.RelativeTimeFormat(languages, { numeric: 'auto' }).format(0, 'second');
const exact = new Intl.DateTimeFormat(languages, { dateStyle: 'full', timeStyle: 'medium' });
const medium = new Intl.DateTimeFormat(languages, { dateStyle: 'medium', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(languages, { dateStyle: 'medium', timeStyle: 'short' });
const language = relative.resolvedOptions().locale;

const units: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['minute', 60],
  ['hour', 3600],
  ['day', 86_400],
  ['week', 604_800],
  ['month', 2_629_746],
  ['year', 31_556_952],
];

/** The first unit in which it is less than one of the next: 60 minutes are an hour. */
function inWords(at: number): string {
  const seconds = (at - serverNow()) / 1000;
  if (Math.abs(seconds) < 60) return present;
  const fits = (size: number, next = Number.POSITIVE_INFINITY) => Math.round(Math.abs(seconds) / size) * size < next;
  const [unit, size] = units.find(([, size], place) => fits(size, units[place + 1]?.[1])) ?? ['year', 31_556_952];
  return relative.format(Math.round(seconds / size), unit);
}

/** One clock for all instants of the page: they move on together. */
const tickMs = 20_000;
const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, tickMs);
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const tick = () => Math.floor(serverNow() / tickMs);

interface InstantProps {
  readonly at: string;
  /** Says the exact instant too. */
  readonly isExact?: boolean;
}

/** How long ago or ahead, in the person's language; the exact instant on hover and for programs. */
export function Instant({ at, isExact = false }: InstantProps) {
  useSyncExternalStore(subscribe, tick);
  const date = new Date(at);
  return (
    <time dateTime={at} title={exact.format(date)} lang={language}>
      {isExact && `${medium.format(date)}, `}
      {inWords(date.getTime())}
    </time>
  );
}

export const shortInstant = (at: string): string => short.format(new Date(at));
