import { useSyncExternalStore } from 'react';
import { serverNow } from '../server-clock.js';

const languages = [...navigator.languages];
const relative = new Intl.RelativeTimeFormat(languages, { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(languages, { dateStyle: 'full', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(languages, { dateStyle: 'medium', timeStyle: 'short' });
const language = relative.resolvedOptions().locale;

const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_556_952],
  ['month', 2_629_746],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

function inWords(at: number, now: number): string {
  const seconds = (at - now) / 1000;
  const [unit, size] = steps.find(([, least]) => Math.abs(seconds) >= least) ?? ['second', 1];
  return unit === 'second' ? relative.format(0, 'second') : relative.format(Math.round(seconds / size), unit);
}

/** One clock for all instants of the page: they move on together. */
let now = serverNow();
const listeners = new Set<() => void>();
setInterval(() => {
  now = serverNow();
  for (const listener of listeners) listener();
}, 20_000);
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const minute = () => Math.floor(now / 20_000);

/** How long ago or ahead, in the person's language; the exact instant on hover and for programs. */
export function Instant({ at }: { readonly at: string }) {
  useSyncExternalStore(subscribe, minute);
  const date = new Date(at);
  return (
    <time dateTime={at} title={exact.format(date)} lang={language}>
      {inWords(date.getTime(), serverNow())}
    </time>
  );
}

export const shortInstant = (at: string): string => short.format(new Date(at));
