import { expect, test } from '@jest/globals';
import { createLogger } from '../../src/log.js';

const secret = 'hunter2-correct-horse';
const logged = (write: (logger: ReturnType<typeof createLogger>) => void): string => {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => void lines.push(line) }));
  return lines.join('');
};

test.each([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
])('%s is struck out wherever it stands', (name) => {
  const text = logged((logger) => logger.info({ [name]: secret, a: { [name]: secret, b: { [name]: secret } } }, 'oops'));
  expect(text).not.toContain(secret);
  expect(text.match(/\[redacted\]/g)).toHaveLength(3);
});

test('an error is logged with its causes and without the values that drivers hang on it', () => {
  const cause = Object.assign(new Error('cannot reach mongodb://app:hunter2-correct-horse@db/x'), { value: secret, code: 11000 });
  const error = Object.assign(new Error('failed', { cause }), { parameters: [secret], keyValue: { email: secret } });
  const text = logged((logger) => logger.error({ err: error }, 'request failed'));
  expect(text).not.toContain(secret);
  expect(JSON.parse(text)).toMatchObject({ err: { type: 'Error', message: 'failed', cause: { code: 11000 } } });
});

test.each([
  'lk_rt_AAAABBBBCCCCDDDD',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln',
  '$2b$12$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01',
])('a text of an error loses what looks like a credential: %s', (credential) => {
  const text = logged((logger) => logger.error({ err: new Error(`cannot use ${credential} here`) }, 'failed'));
  expect(text).not.toContain(credential);
  expect(text).toContain('cannot use [redacted] here');
});

test('a thrown value that is no error is named by its kind', () => {
  expect(logged((logger) => logger.error({ err: secret }, 'failed'))).toContain('"err":{"type":"string"}');
});
