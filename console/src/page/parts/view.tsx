import { type ReactNode, useEffect, useRef } from 'react';

/** The page was opened with the first view: there the browser knows best where to begin. */
let isFirst = true;

interface ViewProps {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly isNarrow?: boolean;
}

/** A view with its heading, which gets the focus when somebody comes to it, so that a screen reader begins there; a new title is no new view. */
export function View({ title, actions, children, isNarrow = false }: ViewProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  useEffect(() => {
    document.title = `${title} – Latchkey`;
  }, [title]);
  return (
    <div className={isNarrow ? 'view narrow' : 'view'}>
      <div className="view-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions !== undefined && actions !== false && <div className="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
