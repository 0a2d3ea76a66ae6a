import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { authErrorWith } from 'latchkey-client/errors';
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';
import { apollo, auth } from './connection.js';
import { ReauthenticateDocument } from './generated/operations.js';
import { Cancel, Dialog } from './parts/dialog.js';
import { ActForm, Field, secretIn } from './parts/form.js';

/** Resolves when the password was given, rejects with `refusal` when the person would rather not. */
type Prove = (refusal: unknown) => Promise<void>;
const ProofContext = createContext<Prove>((refusal) => Promise.reject(refusal));

interface Question {
  readonly resolve: () => void;
  readonly reject: () => void;
}

/** Asks for the password where an act wants a recent proof of it. */
export function ReauthenticationProvider({ children }: { readonly children: ReactNode }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const asked = useRef<Question | null>(null);
  const prove = useCallback<Prove>((refusal) => {
    const ask = (next: Question | null) => {
      asked.current = next;
      setQuestion(next);
    };
    // One dialog has one act that goes on.
    asked.current?.reject();
    return new Promise<void>((resolve, reject) => {
      const close = (settle: () => void) => () => {
        if (asked.current === own) ask(null);
        settle();
      };
      const own = { resolve: close(resolve), reject: close(() => reject(refusal)) };
      ask(own);
    });
  }, []);
  const confirm = async (password: string) => {
    await apollo.mutate({ mutation: ReauthenticateDocument, variables: { password } });
    // The tokens of that answer are not taken: the client gets its own, which carry the new proof.
    await auth.refresh();
    asked.current?.resolve();
  };
  return (
    <ProofContext value={prove}>
      {children}
      {question !== null && (
        <Dialog title="Confirm your password" onClose={question.reject}>
          <p>You gave it a while ago. For acts on other people’s accounts it is asked for again.</p>
          <ActForm act={(_, form) => confirm(secretIn(form, 'proof'))} submit="Confirm" beside={<Cancel onClick={question.reject} />}>
            <Field label="Your password" name="proof" type="password" autoComplete="current-password" />
          </ActForm>
        </Dialog>
      )}
    </ProofContext>
  );
}

/** Sends a mutation, and sends it again after the password was confirmed. Rejects with what the server refused it for. */
export function useMutate() {
  const prove = useContext(ProofContext);
  return useCallback(
    async <Data, Variables extends OperationVariables>(
      mutation: TypedDocumentNode<Data, Variables>,
      ...[variables]: Record<string, never> extends Variables ? [] : [Variables]
    ): Promise<Data> => {
      const send = async () => {
        const { data } = await apollo.mutate<Data>({ mutation: mutation as TypedDocumentNode<Data>, variables: variables ?? {} });
        if (data === undefined || data === null) throw new Error('The answer holds no data');
        return data as Data;
      };
      try {
        return await send();
      } catch (error) {
        if (authErrorWith(error, 'REAUTHENTICATION_REQUIRED') === null) throw error;
        await prove(error);
        return send();
      }
    },
    [prove],
  );
}
