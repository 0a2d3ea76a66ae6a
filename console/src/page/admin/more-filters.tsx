import { type ReactNode, type SyntheticEvent, useLayoutEffect, useRef, useState } from 'react';

const countIn = (details: HTMLDetailsElement): number =>
  [...details.querySelectorAll('input, select')].filter((field) =>
    field instanceof HTMLInputElement && field.type === 'checkbox'
      ? field.checked
      : (field as HTMLInputElement | HTMLSelectElement).value !== '',
  ).length;

interface MoreFiltersProps {
  readonly summary: string;
  readonly children: ReactNode;
}

/**
 * Fields that are used less: open where the address of the view sets one. They narrow the list also while they are closed away; the summary then
 * says how many do.
 */
export function MoreFilters({ summary, children }: MoreFiltersProps) {
  const [count, setCount] = useState(0);
  const details = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    if (details.current === null) return;
    const set = countIn(details.current);
    setCount(set);
    if (set > 0) details.current.open = true;
  }, []);
  const recount = ({ currentTarget }: SyntheticEvent<HTMLDetailsElement>) => setCount(countIn(currentTarget));
  return (
    <details ref={details} className="wide" onChange={recount} onToggle={recount}>
      <summary>
        {summary}
        {count > 0 && ` (${count} set)`}
      </summary>
      <div className="more">{children}</div>
    </details>
  );
}
