import { type ReactNode, type SyntheticEvent, useState } from 'react';

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

/** Fields that are used less. They narrow the list also while they are closed away: the summary then says how many do. */
export function MoreFilters({ summary, children }: MoreFiltersProps) {
  const [count, setCount] = useState(0);
  const recount = ({ currentTarget }: SyntheticEvent<HTMLDetailsElement>) => setCount(countIn(currentTarget));
  return (
    <details className="wide" onChange={recount} onToggle={recount}>
      <summary>
        {summary}
        {count > 0 && ` (${count} set)`}
      </summary>
      <div className="more">{children}</div>
    </details>
  );
}
