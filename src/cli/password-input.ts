import type { Readable, Writable } from 'node:stream';
import { UsageError } from './failures.js';

/** No password that is allowed is nearly so long. */
const longestLine = 16 * 1024;

/** Standard input: a terminal can be told not to echo. */
export type PasswordSource = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/**
 * A new password: at a terminal typed twice without an echo, else the first line of standard input. Throws `UsageError` when there is none,
 * it is not UTF-8, or the two differ.
 */
export async function readNewPassword(input: PasswordSource, prompt: Writable): Promise<string> {
  if (!input.isTTY) return readFirstLine(input);
  const lines = terminalLines(input);
  const ask = async (question: string): Promise<string> => {
    prompt.write(question);
    const line = await lines();
    prompt.write('\n');
    return line;
  };
  input.setRawMode?.(true);
  try {
    const password = await ask('Password: ');
    if (password === '') throw new UsageError('No password was given.');
    if ((await ask('Once more: ')) !== password) throw new UsageError('The two passwords differ.');
    return password;
  } finally {
    input.setRawMode?.(false);
    input.pause();
  }
}

async function readFirstLine(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    chunks.push(bytes);
    size += bytes.length;
    if (bytes.includes(0x0a) || size > longestLine) break;
  }
  const all = Buffer.concat(chunks);
  const end = all.indexOf(0x0a);
  const line = decode(end < 0 ? all : all.subarray(0, end)).replace(/\r$/, '');
  if (line === '') throw new UsageError('The password must be the first line of standard input.');
  return line;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError('The password on standard input is not UTF-8.');
  }
}

const interrupt = '\u0003';
const endOfInput = '\u0004';
const endsLine = (letter: string): boolean => ['\r', '\n', interrupt, endOfInput].includes(letter);

/** Reads lines as they are typed, with the terminal's editing done here: nothing is echoed, not even a star for each letter. */
function terminalLines(input: Readable): () => Promise<string> {
  let typed: string[] = [];
  input.setEncoding('utf8');
  return () =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        input.off('data', take);
        input.off('end', ended);
        settle();
      };
      const giveUp = () => reject(new UsageError('No password was given.'));
      const take = (chunk: string) => {
        typed.push(...chunk);
        const end = typed.findIndex(endsLine);
        if (end < 0) return;
        const line = edited(typed.slice(0, end));
        const ending = typed[end];
        const isGivenUp = ending === interrupt || (ending === endOfInput && line === '');
        typed = typed.slice(ending === '\r' && typed[end + 1] === '\n' ? end + 2 : end + 1);
        finish(() => (isGivenUp ? giveUp() : resolve(line)));
      };
      const ended = () => finish(giveUp);
      input.on('data', take);
      input.on('end', ended);
      // What was typed ahead counts.
      take('');
    });
}

/** Backspace takes back a letter, Ctrl-U the line. */
function edited(typed: readonly string[]): string {
  const letters: string[] = [];
  for (const letter of typed) {
    if (letter === '\u007f' || letter === '\b') letters.pop();
    else if (letter === '\u0015') letters.length = 0;
    else letters.push(letter);
  }
  return letters.join('');
}
