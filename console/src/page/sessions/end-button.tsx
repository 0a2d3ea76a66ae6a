import { useLayoutEffect, useRef } from 'react';

/** Of a session's row. It goes when the session has ended: the focus then stays in the list, and does not fall to the document. */
export function EndButton({ label, onClick }: { readonly label: string; readonly onClick: () => void }) {
  const ref = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const button = ref.current;
    return () => {
      if (button !== null && document.activeElement === button) button.closest('ul')?.focus();
    };
  }, []);
  return (
    <button ref={ref} type="button" onClick={onClick} aria-label={label}>
      End
    </button>
  );
}
