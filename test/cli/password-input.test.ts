import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readNewPassword } from '../../src/cli/password-input.js';

/** A terminal in which somebody types; what it shows is kept. */
function terminal(...typed: string[]) {
  const input = Object.assign(new PassThrough(), { isTTY: true, raw: [] as boolean[], setRawMode: (raw: boolean) => input.raw.push(raw) });
  const output = new PassThrough();
  for (const text of typed) input.write(text);
  // Newer releases of Node give one chunk for each call.
  const shown = () => {
    let text = '';
    for (let chunk: unknown = output.read(); chunk !== null; chunk = output.read()) text += String(chunk);
    return text;
  };
  return { input, output, shown };
}

describe('a password at a terminal', () => {
  it('is asked for twice, and not shown', async () => {
    const { input, output, shown } = terminal('gehe', 'im ß\r', 'geheim ß\r');
    expect(await readNewPassword(input, output)).toBe('geheim ß');
    expect(shown()).toBe('Password: \nOnce more: \n');
    expect(input.raw).toEqual([true, false]);
  });

  it('may be corrected while it is typed', async () => {
    const { input, output } = terminal('wrong\u0015secrex\u007f\u007fet\b\u007fet\r\nsecret\n');
    expect(await readNewPassword(input, output)).toBe('secret');
  });

  it.each([
    ['differs the second time', ['one\r', 'two\r'], /differ/],
    ['is empty', ['\r'], /No password/],
    ['is given up by Ctrl-C', ['sec\u0003'], /No password/],
    ['is given up by Ctrl-D', ['\u0004'], /No password/],
  ])('is refused when it %s, and the terminal is as before', async (_, typed, reason) => {
    const { input, output } = terminal(...typed);
    await expect(readNewPassword(input, output)).rejects.toThrow(reason);
    expect(input.raw).toEqual([true, false]);
  });

  it('is refused when the terminal goes away', async () => {
    const { input, output } = terminal('half');
    input.end();
    await expect(readNewPassword(input, output)).rejects.toThrow(/No password/);
  });
});

describe('a password on standard input', () => {
  const from = (...chunks: (string | Buffer)[]) => {
    const input = new PassThrough();
    for (const chunk of chunks) input.write(chunk);
    input.end();
    return readNewPassword(input, new PassThrough());
  };

  it.each([
    [['secret\nmore'], 'secret'],
    [['sec', 'ret\r\n'], 'secret'],
    [[' spaces count '], ' spaces count '],
    [[Buffer.from([0xc3]), Buffer.from([0x9f, 0x0a])], 'ß'],
  ])('is the first line of %j', async (chunks, expected) => {
    expect(await from(...chunks)).toBe(expected);
  });

  it('must be UTF-8', async () => {
    await expect(from(Buffer.from([0xff, 0x0a]))).rejects.toThrow(/UTF-8/);
  });
});
