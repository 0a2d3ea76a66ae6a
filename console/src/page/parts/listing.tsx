import { CombinedGraphQLErrors } from '@apollo/client';
import type { ReactNode } from 'react';
import type { PagePlaceFragment } from '../generated/operations.js';
import { Empty, Pager, type Pages } from './pages.js';
import { Failure, Loading } from './problem.js';

/** What became of a question with `cache-and-network`, as `useQuery` says it. */
interface Asked<Data> {
  /** The answer to this question; undefined until it is there, and where it failed. */
  readonly data?: Data | null | undefined;
  /** The answer to the question before. */
  readonly previousData?: Data | undefined;
  readonly error?: Error | undefined;
  refetch(): Promise<unknown>;
}

/** The names of people need another permission than what they did: then a list comes without them. */
const isAboutNames = (error: Error): boolean =>
  CombinedGraphQLErrors.is(error) &&
  error.errors.every(({ extensions, path }) => extensions?.code === 'FORBIDDEN' && /^(actor|user)$/.test(String(path?.at(-1))));

/** What to show: while another answer is under way the one before, marked as such; never where the question failed. */
export function shownOf<Data>({ data, previousData, error }: Asked<Data>) {
  // Null where errors came instead.
  const answer = data ?? undefined;
  const problem = error !== undefined && (answer === undefined || !isAboutNames(error)) ? error : null;
  const isStale = answer === undefined && error === undefined && previousData !== undefined;
  return { shown: isStale ? previousData : answer, isStale, problem };
}

interface ListingProps<Data, Node> {
  readonly asked: Asked<Data>;
  readonly list: (data: Data) => { readonly nodes: readonly Node[]; readonly pageInfo: PagePlaceFragment };
  readonly pages: Pages;
  /** For a screen reader. */
  readonly name: string;
  readonly what: string;
  /** Where there is nothing. */
  readonly empty: string;
  readonly children: (node: Node) => ReactNode;
}

const nowhere: PagePlaceFragment = { hasNextPage: false, endCursor: null };

/** A list, page by page. Nothing in it can be pressed while it is that of the page before. */
export function Listing<Data, Node>({ asked, list, pages, name, what, empty, children }: ListingProps<Data, Node>) {
  const { shown, isStale, problem } = shownOf(asked);
  const page = shown === undefined ? undefined : list(shown);
  const place = page?.pageInfo ?? nowhere;
  return (
    <>
      {problem !== null && <Failure problem={problem} onRetry={() => void asked.refetch()} />}
      {page === undefined && problem === null && <Loading what={what} />}
      {page !== undefined && (
        <ul className="rows" aria-label={name} aria-busy={isStale} inert={isStale} tabIndex={-1}>
          {page.nodes.map(children)}
        </ul>
      )}
      {page?.nodes.length === 0 && <Empty text={empty} place={place} />}
      <Pager pages={pages} place={place} isStale={isStale || (page === undefined && problem === null)} what={what} />
    </>
  );
}
