import { type ReactNode, useContext, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { ActForm, BusyContext } from './form.js';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Opens the dialog, and closes it with what is rendered. The browser keeps the focus inside, and takes it back to where it was. */
function useModal() {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement;
    dialog?.showModal();
    // Where there is nothing to fill in, the browser would begin at the button that ends something.
    dialog?.querySelector<HTMLElement>('input, .cancel')?.focus();
    return () => {
      dialog?.close();
      // What opened it may be gone with what was ended.
      if (opener?.isConnected === false) document.querySelector<HTMLElement>('main h1')?.focus();
    };
  }, []);
  return ref;
}

/** Open for as long as it is rendered. It does not close while an act in it is under way. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useModal();
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const busy = useMemo(() => ({ isBusy, setBusy }), [isBusy]);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isBusy) onClose();
      }}
      // A second Escape closes it whatever `cancel` says.
      onClose={({ currentTarget }) => {
        if (currentTarget.open || !currentTarget.isConnected) return;
        if (isBusy) currentTarget.showModal();
        else onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      <BusyContext value={busy}>{children}</BusyContext>
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly submit: string;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before something is ended. Stays open, and says why, where that fails. */
export function Confirm({ title, text, submit, act, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <ActForm act={() => act().then(onClose)} submit={submit} isDanger beside={<Cancel onClick={onClose} />} />
    </Dialog>
  );
}

export function Cancel({ onClick }: { readonly onClick: () => void }) {
  const isBusy = useContext(BusyContext)?.isBusy === true;
  return (
    <button type="button" className="cancel" aria-disabled={isBusy} onClick={() => !isBusy && onClick()}>
      Cancel
    </button>
  );
}
