import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { permissions } from '../../src/auth/roles.js';
import { type Issuing, memoryStore, openIssuing, storeWith, tokenConfig } from '../support/factories.js';
import { jws, partsOf, signerOf } from '../support/forging.js';
import { anAccount, aSession, day, t0 } from '../support/records.js';

const second = 1_000;
const ttl = tokenConfig.accessTokenTtlSeconds;
const account = anAccount({ roles: ['support'], username: 'Ada', emailVerified: true, version: 7, sessionEpoch: 3 });
const session = aSession({ accountId: account.id, epoch: 3, generation: 5 });

describe.each(['ES256', 'RS256', 'HS256'] as const)('an access token signed with %s', (algorithm) => {
  let issuing: Issuing;
  let token: string;
  beforeAll(async () => {
    issuing = await openIssuing(algorithm);
    token = issuing.tokens.issue(account, session).token;
  });

  const joseVerify = async (text: string, options: Partial<JWTVerifyOptions> = {}) => {
    const all = { typ: 'at+jwt', issuer: tokenConfig.publicUrl, audience: tokenConfig.audience, currentDate: new Date(t0), ...options };
    const { signingKey } = issuing.keys.current();
    return algorithm === 'HS256' ? jwtVerify(text, signingKey, all) : jwtVerify(text, createLocalJWKSet(issuing.keys.jwks()), all);
  };

  it('has the header of RFC 9068 and nothing else', () => {
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: issuing.keys.current().kid });
  });

  it('has exactly the claims of the design', () => {
    expect(decodeJwt(token)).toEqual({
      iss: 'https://auth.example.com',
      aud: 'https://api.example.com',
      sub: account.id,
      sid: session.id,
      gen: 5,
      ver: 7,
      epoch: 3,
      client_id: 'latchkey',
      iat: t0 / second,
      exp: t0 / second + ttl,
      auth_time: session.authenticatedAt / second,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      roles: ['support'],
      scope: 'users:read sessions:read',
      email_verified: true,
    });
  });

  it('is accepted by jose', async () => {
    const { payload } = await joseVerify(token);
    expect(payload).toEqual(decodeJwt(token));
  });

  it.each([
    ['type', { typ: 'JWT' }],
    ['issuer', { issuer: 'https://other.example.com' }],
    ['audience', { audience: 'https://other.example.com' }],
    ['time', { currentDate: new Date(t0 + ttl * second) }],
  ])('is refused by jose where another %s is asked for', async (_what, options) => {
    await expect(joseVerify(token, options)).rejects.toThrow();
  });

  it('is accepted by the server with its claims, at first sight and again', async () => {
    const expected = { kind: 'valid', claims: decodeJwt(token) };
    expect(await issuing.tokens.verify(token)).toEqual(expected);
    expect(await issuing.tokens.verify(token)).toEqual(expected);
  });

  it('is accepted as well when another hand writes it with the same key', async () => {
    const { header, claims } = partsOf(token);
    const written = jws(header, claims, signerOf(algorithm, issuing.keys.current().signingKey));
    expect(await issuing.tokens.verify(written)).toEqual({ kind: 'valid', claims });
  });

  it('is refused by a server with other keys, another issuer or another audience', async () => {
    const { store, time } = issuing;
    const others = [
      await openIssuing(algorithm),
      await openIssuing(algorithm, { store, time, publicUrl: 'https://auth.example.com:8443' }),
      await openIssuing(algorithm, { store, time, audience: 'https://api.example.com/' }),
    ];
    for (const other of others) expect(await other.tokens.verify(token)).toEqual({ kind: 'invalid' });
  });

  it('is refused with any one bit of any one byte flipped (P12)', async () => {
    const bytes = Buffer.from(token, 'latin1');
    const accepted: string[] = [];
    for (let index = 0; index < bytes.length; index += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
        const { kind } = await issuing.tokens.verify(flipped.toString('latin1'));
        if (kind !== 'invalid') accepted.push(`bit ${bit} of byte ${index}`);
      }
    }
    expect(accepted).toEqual([]);
  });

  it('is refused with any byte taken out', async () => {
    for (let index = 0; index < token.length; index += 1) {
      const { kind } = await issuing.tokens.verify(token.slice(0, index) + token.slice(index + 1));
      expect({ index, kind }).toEqual({ index, kind: 'invalid' });
    }
  });
});

describe('what an access token says', () => {
  it.each([
    [['user'], ''],
    [['admin'], permissions.join(' ')],
    [['user', 'support', 'admin'], permissions.join(' ')],
    [['no such role'], ''],
    [[], ''],
  ])('of the roles %j is the scope %j', async (roles, scope) => {
    const { tokens } = await openIssuing('HS256');
    expect(decodeJwt(tokens.issue(anAccount({ roles }), session).token)).toMatchObject({ roles, scope });
  });

  it('holds the address and the username only where the setting asks for them', async () => {
    const both = await openIssuing('HS256', { tokenClaims: ['email', 'username'] });
    expect(decodeJwt(both.tokens.issue(account, session).token)).toMatchObject({ email: account.email, username: 'Ada' });
    const nameless = decodeJwt(both.tokens.issue(anAccount({ username: null }), session).token);
    expect(nameless).not.toHaveProperty('username');
    const neither = decodeJwt((await openIssuing('HS256')).tokens.issue(account, session).token);
    expect(neither).not.toHaveProperty('email');
    expect(neither).not.toHaveProperty('username');
  });

  it('never holds the password hash', async () => {
    const { tokens } = await openIssuing('HS256', { tokenClaims: ['email', 'username'] });
    const { token } = tokens.issue(anAccount({ passwordHash: 'the hash itself' }), session);
    expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).not.toContain('the hash itself');
  });

  it('has an id of its own each time', async () => {
    const { tokens } = await openIssuing('HS256');
    const ids = Array.from({ length: 100 }, () => decodeJwt(tokens.issue(account, session).token).jti);
    expect(new Set(ids).size).toBe(100);
  });
});

describe('the lifetime of an access token', () => {
  it.each([
    [0, ttl],
    [0.5, ttl * 0.975],
    [0.999_999_999, ttl * 0.95],
  ])('is, at the random number %d, %d s', async (random, seconds) => {
    const { tokens } = await openIssuing('HS256', { random: () => random });
    const { token, expiresAt } = tokens.issue(account, session);
    expect(decodeJwt(token).exp).toBe(t0 / second + seconds);
    expect(expiresAt).toBe(t0 + seconds * second);
  });

  it('spreads over 5 %, so that a fleet does not refresh in step', async () => {
    const { tokens } = await openIssuing('HS256', { random: Math.random });
    const seconds = Array.from({ length: 500 }, () => (tokens.issue(account, session).expiresAt - t0) / second);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(ttl * 0.95);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(ttl);
    expect(new Set(seconds).size).toBeGreaterThan(50);
  });

  it("never passes the session's end", async () => {
    const { tokens } = await openIssuing('HS256');
    const ending = aSession({ idleExpiresAt: t0 + 90 * second + 999 });
    expect(tokens.issue(account, ending).expiresAt).toBe(t0 + 90 * second);
  });

  it('has whole seconds, the issue rounded down', async () => {
    const { tokens, time } = await openIssuing('HS256');
    time.move(999);
    const { token, expiresAt } = tokens.issue(account, session);
    expect(decodeJwt(token)).toMatchObject({ iat: t0 / second, exp: t0 / second + ttl });
    expect(expiresAt).toBe(t0 + ttl * second);
  });

  it('ends with 30 s of leeway, to the millisecond, remembered or seen for the first time', async () => {
    const { tokens, time } = await openIssuing('HS256');
    const { token } = tokens.issue(account, session);
    const unseen = tokens.issue(account, session).token;
    await tokens.verify(token);
    time.move((ttl + 30) * second - 1);
    expect(await tokens.verify(token)).toMatchObject({ kind: 'valid' });
    time.move(1);
    expect(await tokens.verify(token)).toMatchObject({ kind: 'expired', claims: { sid: session.id } });
    expect(await tokens.verify(unseen)).toMatchObject({ kind: 'expired', claims: { sid: session.id } });
  });

  it('is the configured one whatever `exp` says, so that shortening the setting acts at once', async () => {
    const before = await openIssuing('HS256', { accessTokenTtlSeconds: 86_400 });
    const { token } = before.tokens.issue(account, session);
    const after = await openIssuing('HS256', { store: before.store, time: before.time, accessTokenTtlSeconds: 60 });
    before.time.move(90 * second - 1);
    expect(await after.tokens.verify(token)).toMatchObject({ kind: 'valid' });
    before.time.move(1);
    expect(await after.tokens.verify(token)).toMatchObject({ kind: 'expired' });
    expect(await before.tokens.verify(token)).toMatchObject({ kind: 'valid' });
  });

  it('may begin up to 30 s in the future, by another node that is ahead, and no more', async () => {
    const { tokens, time, store } = await openIssuing('HS256');
    time.move(30 * second);
    const { token } = tokens.issue(account, session);
    time.move(second);
    const tooEarly = tokens.issue(account, session).token;
    time.set(t0);
    const behind = await openIssuing('HS256', { store, time });
    expect(await behind.tokens.verify(token)).toMatchObject({ kind: 'valid' });
    expect(await behind.tokens.verify(tooEarly)).toEqual({ kind: 'invalid' });
  });
});

describe('tokens that were verified before', () => {
  const counted = () => {
    const spy = jest.spyOn(jsonwebtoken, 'verify');
    spy.mockClear();
    return spy;
  };

  it('cost one signature check', async () => {
    const { tokens } = await openIssuing('ES256');
    const { token } = tokens.issue(account, session);
    const checks = counted();
    for (let use = 0; use < 5; use += 1) expect((await tokens.verify(token)).kind).toBe('valid');
    expect(checks).toHaveBeenCalledTimes(1);
  });

  it('are forgotten beyond 10,000, the oldest first', async () => {
    const { tokens } = await openIssuing('HS256');
    const issued = Array.from({ length: 10_001 }, () => tokens.issue(account, session).token);
    for (const token of issued) await tokens.verify(token);
    const checks = counted();
    for (const token of issued.slice(1)) await tokens.verify(token);
    expect(checks).not.toHaveBeenCalled();
    await tokens.verify(issued[0] ?? '');
    expect(checks).toHaveBeenCalledTimes(1);
    await tokens.verify(issued[1] ?? '');
    expect(checks).toHaveBeenCalledTimes(2);
  });

  it('are not remembered when they were refused or had expired', async () => {
    const { tokens, time } = await openIssuing('HS256');
    const { token } = tokens.issue(account, session);
    time.move(day);
    const checks = counted();
    await tokens.verify(token);
    await tokens.verify(token);
    expect(checks).toHaveBeenCalledTimes(2);
  });

  it('are refused once their key is revoked', async () => {
    const store = await memoryStore();
    let revokedAt: number | null = null;
    const revoking = storeWith(store, {
      listKeys: async () =>
        (await store.listKeys()).map((key) => ({ ...key, revokedAt: key.purpose === 'signing' && key.sequence === 1 ? revokedAt : null })),
    });
    const { tokens, keys } = await openIssuing('ES256', { store: revoking });
    const { token } = tokens.issue(account, session);
    expect(await tokens.verify(token)).toMatchObject({ kind: 'valid' });
    revokedAt = t0;
    await keys.tend();
    expect(await tokens.verify(token)).toEqual({ kind: 'invalid' });
    // Its successor signs at once: there is nothing to wait for.
    expect(await tokens.verify(tokens.issue(account, session).token)).toMatchObject({ kind: 'valid' });
  });
});
