import { useMemo, useState } from 'react';
import { navigate, useRoute } from '../router.js';
import { addressOf } from './filters.js';

/** The filter of a view is what its address says: a link, a reload and Back keep it, and nothing else can be the one that acts. */
export function useAddressFilter<Filter>(view: string, filterOf: (params: URLSearchParams) => Filter) {
  const query = useRoute().params.toString();
  const beginning = useMemo(() => new URLSearchParams(query), [query]);
  const filter = useMemo(() => filterOf(beginning), [filterOf, beginning]);
  const [round, setRound] = useState(0);
  const [form, setForm] = useState({ query, key: 0 });
  // The address came from elsewhere than the form, which then begins anew.
  if (form.query !== query) setForm({ query, key: form.key + 1 });
  const apply = (entered: FormData) => {
    const next = addressOf(entered);
    setRound(round + 1);
    if (next === query) return;
    setForm({ query: next, key: form.key });
    navigate(next === '' ? view : `${view}?${next}`);
  };
  return {
    filter,
    apply,
    beginning,
    query,
    formKey: form.key,
    /** Another one: the list begins anew at its first page, and is asked for, also where the filter stayed the same. */
    listKey: `${round}?${query}`,
  };
}
