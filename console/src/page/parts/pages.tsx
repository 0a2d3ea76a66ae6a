import { useState } from 'react';
import type { PagePlaceFragment } from '../generated/operations.js';

export interface Pages {
  /** The cursor behind which this page begins; null: the first. */
  readonly after: string | null;
  readonly number: number;
  next(cursor: string): void;
  back(): void;
  /** Back to the first, because what is listed has changed. */
  reset(): void;
}

export function usePages(): Pages {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  return {
    after: cursors.at(-1) ?? null,
    number: cursors.length + 1,
    // While the next page loads the one before is shown, and its end leads there only once.
    next: (cursor) => setCursors(cursor === cursors.at(-1) ? cursors : [...cursors, cursor]),
    back: () => setCursors(cursors.slice(0, -1)),
    reset: () => setCursors([]),
  };
}

interface PagerProps {
  readonly pages: Pages;
  readonly place: PagePlaceFragment;
  /** Another page is under way: this place is still that of the one before. */
  readonly isStale: boolean;
  readonly what: string;
}

/** Nothing where all is on one page. Never `disabled` under the pointer: the button would lose the focus. */
export function Pager({ pages, place: { hasNextPage, endCursor }, isStale, what }: PagerProps) {
  if (pages.number === 1 && !hasNextPage) return null;
  const next = isStale || !hasNextPage ? null : endCursor;
  const hasBefore = !isStale && pages.number > 1;
  return (
    <nav className="pager" aria-label={`Pages of ${what}`}>
      <button type="button" aria-disabled={!hasBefore} onClick={() => hasBefore && pages.back()}>
        Newer
      </button>
      <span>Page {pages.number}</span>
      <button type="button" aria-disabled={next === null} onClick={() => next !== null && pages.next(next)}>
        Older
      </button>
    </nav>
  );
}

/** A search looks at so many rows at a time: a page may be empty before the end. */
export function Empty({ text, place }: { readonly text: string; readonly place: PagePlaceFragment }) {
  return <p className="empty">{place.hasNextPage ? 'Nothing that fits on this page; there may be more on the next.' : text}</p>;
}
