import { type FormEvent, type HTMLInputAutoCompleteAttribute, type ReactNode, useId, useState } from 'react';
import { Problem, useCountdown } from './problem.js';

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: 'text' | 'password' | 'email' | 'datetime-local' | 'search';
  readonly autoComplete?: HTMLInputAutoCompleteAttribute;
  readonly hint?: string;
  readonly isOptional?: boolean;
  readonly hasFocus?: boolean;
  readonly defaultValue?: string;
  readonly minLength?: number;
}

export function Field({
  label,
  name,
  type = 'text',
  autoComplete = 'off',
  hint,
  isOptional = false,
  hasFocus = false,
  ...rest
}: FieldProps) {
  const id = useId();
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
        // biome-ignore lint/a11y/noAutofocus: only in dialogs, where the browser looks for it.
        autoFocus={hasFocus}
        maxLength={2048}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        {...rest}
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

export function Choice({ label, name, options, defaultValue }: ChoiceProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} name={name} defaultValue={defaultValue}>
        {options.map(([value, text]) => (
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
  readonly submit: string;
  readonly isDanger?: boolean;
  /** Says that it is done; then the form is emptied. */
  readonly done?: string;
  /** Beside the button. */
  readonly beside?: ReactNode;
  readonly className?: string;
  readonly children?: ReactNode;
}

/** A form that is sent by script: busy while it is under way, and closed for as long as the server asks to wait. */
export function ActForm({ act, submit, isDanger = false, done, beside, className = 'form', children }: ActFormProps) {
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);
  const seconds = useCountdown(problem);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    const form = new FormData(element);
    setProblem(null);
    setDone(false);
    setBusy(true);
    try {
      await act((name) => String(form.get(name) ?? '').trim(), form);
      if (done !== undefined) element.reset();
      setDone(true);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <form className={className} onSubmit={send}>
      {children}
      <Problem problem={problem} seconds={seconds} />
      <div className="actions">
        <button type="submit" className={isDanger ? 'danger' : 'primary'} disabled={isBusy || seconds > 0}>
          {submit}
        </button>
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
