import { createContext, type FormEvent, type HTMLInputAutoCompleteAttribute, type ReactNode, useContext, useId, useState } from 'react';
import { Problem, useCountdown } from './problem.js';

/** What the fields of a form begin with, by their names, before what they say themselves. */
const BeginningContext = createContext<URLSearchParams | null>(null);

interface Busy {
  readonly isBusy: boolean;
  setBusy(isBusy: boolean): void;
}
/** What is around a form and must not go while an act is under way, for then nobody would learn how it went. */
export const BusyContext = createContext<Busy | null>(null);

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: 'text' | 'password' | 'email' | 'datetime-local' | 'search';
  readonly autoComplete?: HTMLInputAutoCompleteAttribute;
  readonly hint?: string;
  readonly isOptional?: boolean;
  readonly defaultValue?: string;
}

export function Field({ label, name, type = 'text', autoComplete = 'off', hint, isOptional = false, defaultValue }: FieldProps) {
  const id = useId();
  const beginning = useContext(BeginningContext);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        autoComplete={autoComplete}
        autoCapitalize="none"
        spellCheck={false}
        required={!isOptional}
        maxLength={2048}
        defaultValue={beginning?.get(name) ?? defaultValue}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly defaultValue?: string;
}

export function Choice({ label, name, options, defaultValue = '' }: ChoiceProps) {
  const id = useId();
  const begun = useContext(BeginningContext)?.get(name) ?? defaultValue;
  // What is chosen shows, also where the options are still to come, or do not have it any more.
  const all = options.some(([value]) => value === begun) ? options : [...options, [begun, begun] as const];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} name={name} defaultValue={begun}>
        {all.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What was entered, trimmed; empty where the form has no such field. */
export type Entered = (name: string) => string;

/** Passwords are taken as they are: a space at the end is one. */
export const secretIn = (form: FormData, name: string): string => String(form.get(name) ?? '');

interface ActFormProps {
  /** Where it rejects, the form says why and stays as it is. */
  readonly act: (entered: Entered, form: FormData) => unknown;
  /** Null: there is nothing to send yet. */
  readonly submit: string | null;
  readonly isDanger?: boolean;
  /** Asks who somebody is: a refusal may be due to more than the password. */
  readonly isSignIn?: boolean;
  /** Says that it is done; then the form is emptied. */
  readonly done?: string;
  /** Beside the button. */
  readonly beside?: ReactNode;
  readonly className?: string;
  /** What the fields begin with, by their names. */
  readonly beginning?: URLSearchParams;
  readonly children?: ReactNode;
}

/** Runs one act at a time, and keeps how it went. */
function useAct(act: (form: FormData) => unknown, onDone: (element: HTMLFormElement) => void) {
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);
  const around = useContext(BusyContext);
  const tell = (next: boolean) => {
    setBusy(next);
    around?.setBusy(next);
  };
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    const element = event.currentTarget;
    setProblem(null);
    setDone(false);
    tell(true);
    try {
      await act(new FormData(element));
      onDone(element);
      setDone(true);
    } catch (error) {
      setProblem(error);
    }
    tell(false);
  };
  return { send, problem, isBusy, isDone };
}

/** A form that is sent by script: busy while it is under way, and closed for as long as the server asks to wait. */
export function ActForm(props: ActFormProps) {
  const { act, submit, isDanger = false, isSignIn = false, done, beside, className = 'form', beginning = null, children } = props;
  const { send, problem, isBusy, isDone } = useAct(
    (form) => act((name) => String(form.get(name) ?? '').trim(), form),
    (element) => done !== undefined && element.reset(),
  );
  const seconds = useCountdown(problem);
  return (
    <form className={className} onSubmit={send}>
      <BeginningContext value={beginning}>{children}</BeginningContext>
      <Problem problem={problem} seconds={seconds} isSignIn={isSignIn} />
      <div className="actions">
        {submit !== null && (
          // Not `disabled` while busy: it would lose the focus.
          <button type="submit" className={isDanger ? 'danger' : 'primary'} disabled={seconds > 0} aria-disabled={isBusy}>
            {submit}
          </button>
        )}
        {beside}
      </div>
      {done !== undefined && (
        <p role="status" className="done">
          {isDone ? done : ''}
        </p>
      )}
    </form>
  );
}
