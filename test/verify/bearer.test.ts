import { describe, expect, it } from '@jest/globals';
import { bearerToken, TokenRefusedError, VerifierUnavailableError } from '../../src/verify/index.js';

describe('The token of an Authorization header', () => {
  it.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a.b.c', 'a.b.c'],
    ['BEARER   a.b-c_d~e+f/g== ', 'a.b-c_d~e+f/g=='],
  ])('%j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });

  it.each([
    undefined,
    null,
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'a.b.c',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer a\nX: b',
    'xBearer a',
    'Bearer ä',
  ])('is none in %j', (header) => {
    expect(bearerToken(header)).toBeNull();
  });
});

describe('The errors', () => {
  it.each([
    ['NO_TOKEN', 'Bearer'],
    ['INVALID', 'Bearer error="invalid_token", error_description="the access token is not valid here"'],
    ['EXPIRED', 'Bearer error="invalid_token", error_description="the access token has expired"'],
    ['REVOKED', 'Bearer error="invalid_token", error_description="the session of the access token has ended"'],
  ] as const)('%s says so as RFC 6750 has it', (reason, challenge) => {
    expect(new TokenRefusedError(reason)).toMatchObject({ reason, statusCode: 401, headers: { 'www-authenticate': challenge } });
  });

  it('are told apart: what cannot be known is no refusal', () => {
    const cause = new Error('revocations: the server answers 503');
    const unavailable = new VerifierUnavailableError(cause);
    expect(unavailable).toMatchObject({ name: 'VerifierUnavailableError', statusCode: 503, headers: { 'retry-after': '1' }, cause });
    expect(unavailable).not.toBeInstanceOf(TokenRefusedError);
  });
});
