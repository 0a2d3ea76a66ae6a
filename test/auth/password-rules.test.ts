import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/auth/errors.js';
import { checkNewPassword } from '../../src/auth/password-rules.js';
import { projectPath } from '../architecture/project.js';

const rules = { passwordMinLength: 8, passwordMaxLength: 256 };

/** What is said against the password: a code and a reason, or null. */
function objection(password: string, logins: readonly (string | null)[] = [], overrides: Partial<typeof rules> = {}): string | null {
  try {
    checkNewPassword(password, 'password', logins, { ...rules, ...overrides });
    return null;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    expect(error.details.field).toBe('password');
    return `${error.code} ${error.details.reason}`;
  }
}

describe('the length of a password', () => {
  it.each([
    ['7 letters', 'xq7Rk2m', 'WEAK_PASSWORD TOO_SHORT'],
    ['8 letters', 'xq7Rk2mz', null],
    ['nothing', '', 'WEAK_PASSWORD TOO_SHORT'],
    ['7 emoji, 14 code units', '\u{1f600}\u{1f980}\u{1f355}\u{1f697}\u{1f3b8}\u{1f308}\u{1f40d}', 'WEAK_PASSWORD TOO_SHORT'],
    ['8 emoji', '\u{1f600}\u{1f980}\u{1f355}\u{1f697}\u{1f3b8}\u{1f308}\u{1f40d}\u{1f9c0}', null],
    ['7 letters written with 14 code points', 'e\u0301a\u0300o\u0302u\u0308n\u0303c\u0327i\u0301', 'WEAK_PASSWORD TOO_SHORT'],
    ['8 letters written with 16 code points', 'e\u0301a\u0300o\u0302u\u0308n\u0303c\u0327i\u0301y\u0301', null],
    ['8 letters of another script', '\u0431\u043e\u043b\u043e\u0442\u043e\u0447\u043a', null],
    ['spaces inside and at the ends', '  my cat  ', null],
    ['256 letters', 'xq7Rk2mz'.repeat(32), null],
    ['257 letters', `${'xq7Rk2mz'.repeat(32)}x`, 'WEAK_PASSWORD TOO_LONG'],
    ['256 emoji', '\u{1f600}\u{1f980}\u{1f355}\u{1f697}'.repeat(64), null],
    ['257 emoji', `${'\u{1f600}\u{1f980}\u{1f355}\u{1f697}'.repeat(64)}\u{1f600}`, 'WEAK_PASSWORD TOO_LONG'],
    ['256 letters written with 512 code points', 'e\u0301a\u0300'.repeat(128), null],
  ])('counts in code points of the composed form: %s', (_what, password, expected) => {
    expect(objection(password)).toBe(expected);
  });

  it('is as the settings say', () => {
    expect(objection('fourteen chars', [], { passwordMinLength: 15 })).toBe('WEAK_PASSWORD TOO_SHORT');
    expect(objection('fifteen letters', [], { passwordMinLength: 15 })).toBeNull();
    expect(objection('x q 7 R k 2 m z', [], { passwordMaxLength: 14 })).toBe('WEAK_PASSWORD TOO_LONG');
  });

  it('is judged before anything else: a short common password is short', () => {
    expect(objection('123456')).toBe('WEAK_PASSWORD TOO_SHORT');
    expect(objection('ada', ['ada'])).toBe('WEAK_PASSWORD TOO_SHORT');
  });
});

describe('a common password', () => {
  it.each([
    'password',
    'Password',
    'PASSWORD',
    'pAsSwOrD',
    '12345678',
    'qwertyuiop',
    'QWERTYUIOP',
    'iloveyou',
    'ILoveYou',
    'football',
    'FOOTBALL',
  ])('is %s', (password) => {
    expect(objection(password)).toBe('WEAK_PASSWORD COMMON');
  });

  it.each(['passw\u00f6rd of mine', 'correct horse battery staple', 'xq7Rk2mzW4', 'tr0mb0ne-lagoon'])('is not %s', (password) => {
    expect(objection(password)).toBeNull();
  });
});

describe("a password that is one's login", () => {
  const logins = ['ada@example.com', 'Ada.Lovelace'];

  it.each(['ada@example.com', 'ADA@Example.COM', 'Ada.Lovelace', 'ada.lovelace', 'ADA.LOVELACE'])('is %s', (password) => {
    expect(objection(password, logins)).toBe('WEAK_PASSWORD SAME_AS_LOGIN');
  });

  it('is one that is composed differently', () => {
    expect(objection('Zoe\u0301@example.com', ['zo\u00e9@example.com'])).toBe('WEAK_PASSWORD SAME_AS_LOGIN');
  });

  it.each(['ada@example.org', 'my ada@example.com', 'Ada.Lovelace2'])('is not %s', (password) => {
    expect(objection(password, logins)).toBeNull();
  });

  it('is none where there is no username', () => {
    expect(objection('xq7Rk2mz', ['ada@example.com', null])).toBeNull();
  });
});

describe('text that is not well-formed', () => {
  it.each(['\ud800', 'before\ud83dafter it', '\udc00 at the start', 'at the end \ud83d', '\ude00\ud83d the wrong way round'])(
    'is refused: %j',
    (password) => {
      expect(objection(password)).toBe('BAD_USER_INPUT INVALID');
    },
  );

  it('is not a surrogate pair', () => {
    expect(objection('before \ud83d\ude00 after')).toBeNull();
  });
});

describe('several objections', () => {
  it('are all told, the first one as the reason', () => {
    const check = () => checkNewPassword('Password', 'password', ['PASSWORD'], { ...rules, passwordMinLength: 15 });
    expect(check).toThrow(
      expect.objectContaining({ details: { field: 'password', reason: 'TOO_SHORT', reasons: ['TOO_SHORT', 'SAME_AS_LOGIN', 'COMMON'] } }),
    );
  });
});

describe('the list of common passwords', () => {
  /** Megabytes of a process's own, after its garbage was collected: of one that imports the rules, and after its first password. */
  const measure = () => {
    const script = `
      const { checkNewPassword } = await import('./dist/auth/password-rules.js');
      const size = () => { gc(); gc(); return process.memoryUsage().rss / 1048576; };
      const check = () => checkNewPassword('xq7Rk2mzW4', 'password', [], { passwordMinLength: 8, passwordMaxLength: 256 });
      const before = size();
      check();
      console.log(JSON.stringify(size() - before));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
      cwd: projectPath('.'),
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return Number(stdout);
  };

  it('is loaded by the first password, and takes at most 15 MB', () => {
    const megabytes = measure();
    expect(megabytes).toBeGreaterThan(0.1);
    expect(megabytes).toBeLessThanOrEqual(15);
  });
});
