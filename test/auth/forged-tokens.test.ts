import { beforeAll, describe, expect, it } from '@jest/globals';
import { CompactSign, createLocalJWKSet, jwtVerify } from 'jose';
import { type Issuing, openIssuing, tokenConfig } from '../support/factories.js';
import { jws, partsOf, signerOf, without } from '../support/forging.js';
import { anAccount, aSession, t0 } from '../support/records.js';
import { forgeriesOf, type Genuine } from './forgeries.js';

const nowSeconds = t0 / 1_000;

describe.each(['ES256', 'RS256', 'HS256'] as const)('a server that signs with %s', (algorithm) => {
  const forgeries = forgeriesOf(algorithm);
  let issuing: Issuing;
  let genuine: Genuine;
  beforeAll(async () => {
    issuing = await openIssuing(algorithm);
    const { token } = issuing.tokens.issue(anAccount({ roles: ['user'] }), aSession());
    const key = issuing.keys.current();
    genuine = { token, key, ...partsOf(token), sign: (header, claims) => jws(header, claims, signerOf(algorithm, key.signingKey)) };
  });

  it('accepts what the forgeries are made of: its own token, signed anew with its own key', async () => {
    const { sign, header, claims } = genuine;
    expect(await issuing.tokens.verify(sign(header, claims))).toMatchObject({ kind: 'valid' });
    expect(await issuing.tokens.verify(sign(header, { ...claims, pad: 'p'.repeat(4_096) }))).toMatchObject({ kind: 'valid' });
    const byJose = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ ...header, alg: algorithm })
      .sign(genuine.key.signingKey);
    expect(await issuing.tokens.verify(byJose)).toMatchObject({ kind: 'valid' });
  });

  it.each(Object.entries(forgeries))('refuses %s', async (_name, forge) => {
    expect(await issuing.tokens.verify(await forge(genuine))).toEqual({ kind: 'invalid' });
  });

  it('accepts nothing of all this that jose refuses', async () => {
    const options = {
      typ: 'at+jwt',
      issuer: tokenConfig.publicUrl,
      audience: tokenConfig.audience,
      algorithms: [algorithm],
      currentDate: new Date(t0),
      clockTolerance: 30,
    };
    const asJose = (token: string) =>
      algorithm === 'HS256'
        ? jwtVerify(token, genuine.key.signingKey, options)
        : jwtVerify(token, createLocalJWKSet(issuing.keys.jwks()), options);
    await asJose(genuine.token);
    const disagreements: string[] = [];
    for (const [name, forge] of Object.entries(forgeries)) {
      const forged = await forge(genuine);
      const joseRefuses = await asJose(forged).then(
        () => false,
        () => true,
      );
      const ours = await issuing.tokens.verify(forged);
      if (joseRefuses && ours.kind === 'valid') disagreements.push(name);
    }
    expect(disagreements).toEqual([]);
  });

  it('takes the last of two claims of one name, as jose does (RFC 7519 4)', async () => {
    const { sign, header, claims } = genuine;
    const twice = `{"sub":"first",${JSON.stringify(without(claims, 'sub')).slice(1, -1)},"sub":"last"}`;
    expect(await issuing.tokens.verify(sign(header, twice))).toMatchObject({ kind: 'valid', claims: { sub: 'last' } });
    const expired = `{${JSON.stringify(claims).slice(1, -1)},"exp":1}`;
    expect(await issuing.tokens.verify(sign(header, expired))).toMatchObject({ kind: 'expired' });
  });

  it('calls an authentic token that is over expired, whatever `exp` says', async () => {
    const { sign, header, claims } = genuine;
    const old = { ...claims, iat: nowSeconds - 3_600 - 30, exp: nowSeconds + 86_400 };
    expect(await issuing.tokens.verify(sign(header, old))).toMatchObject({ kind: 'expired' });
    expect(await issuing.tokens.verify(sign(header, { ...old, iat: old.iat + 1 }))).toMatchObject({ kind: 'valid' });
    expect(await issuing.tokens.verify(sign(header, { ...claims, exp: nowSeconds - 30 }))).toMatchObject({ kind: 'expired' });
    expect(await issuing.tokens.verify(sign(header, { ...claims, exp: nowSeconds - 29 }))).toMatchObject({ kind: 'valid' });
  });
});
