import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createLocalJWKSet } from 'jose';
import { TokenRefusedError, VerifierUnavailableError } from '../../src/verify/errors.js';
import { checkToken } from '../../src/verify/token-checks.js';
import { forgeriesOf, type Genuine } from '../auth/forgeries.js';
import { type Issuing, openIssuing, tokenConfig } from '../support/factories.js';
import { jws, partsOf, signerOf } from '../support/forging.js';
import { anAccount, aSession, t0 } from '../support/records.js';

const nowSeconds = t0 / 1_000;
const anyJws = fc.tuple(fc.json(), fc.json(), fc.uint8Array({ maxLength: 80 }));
const character = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 });
const base64url = (part: string | Uint8Array) => Buffer.from(part).toString('base64url');

describe.each(['ES256', 'RS256'] as const)('a token signed with %s', (algorithm) => {
  let issuing: Issuing;
  let genuine: Genuine;
  beforeAll(async () => {
    issuing = await openIssuing(algorithm);
    const { token } = issuing.tokens.issue(anAccount({ roles: ['user'] }), aSession());
    const key = issuing.keys.current();
    genuine = { token, key, ...partsOf(token), sign: (header, claims) => jws(header, claims, signerOf(algorithm, key.signingKey)) };
  });

  const check = (token: string, overrides: Partial<Parameters<typeof checkToken>[1]> = {}) =>
    checkToken(token, {
      keySet: { find: createLocalJWKSet(issuing.keys.jwks()) },
      issuer: tokenConfig.publicUrl,
      audience: tokenConfig.audience,
      algorithms: ['ES256', 'RS256'],
      now: nowSeconds,
      maxAgeSeconds: 3_600,
      ...overrides,
    });
  const refusalOf = async (...parameters: Parameters<typeof check>): Promise<string> => {
    const error = await check(...parameters).then(
      () => null,
      (reason: unknown) => reason,
    );
    return error instanceof TokenRefusedError ? error.reason : `${error}`;
  };
  const withClaims = (changes: object) => genuine.sign(genuine.header, { ...genuine.claims, ...changes });

  it('is accepted, with everything that it says', async () => {
    expect(await check(genuine.token)).toEqual(genuine.claims);
    expect(await check(withClaims({ tenant: 'one' }))).toMatchObject({ tenant: 'one' });
  });

  it.each(Object.entries(forgeriesOf(algorithm)))('is refused as the server refuses it: %s', async (name, forge) => {
    // Where an instant lies before 1970 jose says that the time is over before the type is looked at.
    const reason = /^(exp (-1|0)|iat -\d+)$/.test(name) ? 'EXPIRED' : 'INVALID';
    expect(await refusalOf(await forge(genuine))).toBe(reason);
  });

  it.each([
    ['at its end', { now: 60 }, 'valid'],
    ['29 s after its end', { now: 89 }, 'valid'],
    ['30 s after its end', { now: 90 }, 'EXPIRED'],
  ])('%s', async (_when, { now }, expected) => {
    const token = withClaims({ iat: nowSeconds, exp: nowSeconds + 60 });
    const found = await check(token, { now: nowSeconds + now }).then(
      () => 'valid',
      ({ reason }: TokenRefusedError) => reason,
    );
    expect(found).toBe(expected);
  });

  it('is over when it is older than tokens may be, whatever its end', async () => {
    const token = withClaims({ iat: nowSeconds - 100, exp: nowSeconds + 10_000 });
    expect(await check(token, { maxAgeSeconds: 70 })).toMatchObject({ exp: nowSeconds + 10_000 });
    expect(await refusalOf(token, { maxAgeSeconds: 69 })).toBe('EXPIRED');
  });

  it('counts only when its algorithm is allowed', async () => {
    const other = algorithm === 'ES256' ? 'RS256' : 'ES256';
    expect(await check(genuine.token, { algorithms: [algorithm] })).toMatchObject({ sub: genuine.claims.sub });
    expect(await refusalOf(genuine.token, { algorithms: [other] })).toBe('INVALID');
  });

  it('is neither good nor bad when its key cannot be looked up', async () => {
    const find = async () => {
      throw new Error('no answer');
    };
    await expect(check(genuine.token, { keySet: { find } })).rejects.toThrow(VerifierUnavailableError);
  });

  it('is refused whatever else the text is, and never by another error', async () => {
    const text = fc.oneof(
      fc.string(),
      anyJws.map(([header, claims, mark]) => [base64url(header), base64url(claims), base64url(mark)].join('.')),
      fc
        .tuple(fc.nat(genuine.token.length - 1), character)
        .map(([at, char]) => genuine.token.slice(0, at) + char + genuine.token.slice(at + 1)),
    );
    const isRefused = async (token: string) => {
      fc.pre(token !== genuine.token);
      expect(await refusalOf(token)).toMatch(/^(INVALID|EXPIRED)$/);
    };
    await fc.assert(fc.asyncProperty(text, isRefused), { numRuns: 500 });
    for (const other of [undefined, null, 7, {}, []]) expect(await refusalOf(other as unknown as string)).toBe('INVALID');
  });

  it('is told no detail in the answer, which the log may have', async () => {
    const error = await check(withClaims({ aud: 'https://secret.example.com' })).catch((reason: unknown) => reason as TokenRefusedError);
    expect(error).toMatchObject({ reason: 'INVALID', statusCode: 401, detail: 'unexpected "aud" claim value' });
    expect(JSON.stringify([`${error}`, error])).not.toContain('secret');
  });
});
