import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import { logout, signUp } from '../services/service.js';
import { aClock, aRoleBook, FakeTime, tokenConfig } from '../support/factories.js';
import { jws, partsOf, signerOf } from '../support/forging.js';
import { anAccount, aSession, day } from '../support/records.js';
import { allowedOrigin, startServer, type TestServer } from '../support/server.js';
import { type LanguageProgram, languages, provideLanguage } from './languages.js';
import { LineProgram } from './line-program.js';
import { until } from './played-server.js';

const hour = 3_600_000;
/** Longer than a new key stands in the published set before it signs. */
const publicationLeadMs = 11 * 60_000;

const provided = Object.entries(languages).map(([name, language]) => ({ ...language, program: provideLanguage(name, language) }));

describe.each(provided)('$library', ({ program }) => {
  // What the server signs with and publishes a key for: HS256 has none.
  describe.each(['ES256', 'RS256'] as const)('and tokens signed with %s', (algorithm) => {
    (program === null ? describe.skip : describe)('by a server', () => {
      let server: TestServer;
      let verifier: LineProgram;
      beforeAll(async () => {
        server = await startServer('sqlite::memory:', { LATCHKEY_SIGNING_ALGORITHM: algorithm });
        const { command, parameters } = program as LanguageProgram;
        const environment = { AUTH_ISSUER: allowedOrigin, AUTH_URL: new URL(server.url).origin };
        verifier = new LineProgram(command, parameters, environment);
      });
      afterAll(() => verifier.end());
      /** Again while the keys cannot be had: a library may wait for half a second, and a machine that has other things to do stalls for longer. */
      const ask = async (token: string): Promise<string> => {
        let answer = await verifier.ask(token);
        for (let tries = 0; answer === 'unavailable' && tries < 90; tries += 1) {
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          answer = await verifier.ask(token);
        }
        return answer;
      };

      /** As the server signs now, but at another time or for others. */
      const issue = ({ ageMs = 0, ...settings }: Partial<typeof tokenConfig> & { readonly ageMs?: number } = {}) => {
        const tokens = new AccessTokens({
          keys: server.app.services.signingKeys,
          clock: aClock(new FakeTime(Date.now() - ageMs)),
          roles: aRoleBook(),
          config: { ...tokenConfig, publicUrl: allowedOrigin, audience: allowedOrigin, ...settings },
          random: () => 0,
        });
        const account = anAccount({ roles: ['user', 'support'] });
        const session = aSession({ accountId: account.id, idleExpiresAt: Date.now() + day });
        return { ...tokens.issue(account, session), accepted: `accepted ${account.id} ${session.id} user,support` };
      };

      it('accepts a good one, and reads account, session and roles', async () => {
        const { id, sessionId, token } = await signUp(server.url);
        expect(partsOf(token).header).toMatchObject({ alg: algorithm });
        expect(await ask(token)).toBe(`accepted ${id} ${sessionId} user`);
        const { token: other, accepted } = issue();
        expect(await ask(other)).toBe(accepted);
      });

      it('refuses one whose claims were changed, and one that another key signed', async () => {
        const { token } = issue();
        const { claims, segments } = partsOf(token);
        const forged = Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url');
        expect(await ask(`${segments[0]}.${forged}.${segments[2]}`)).toBe('refused');
        expect(await ask(`${segments[0]}.${segments[1]}.${segments[2].split('').reverse().join('')}`)).toBe('refused');
        expect(await ask(`${segments[0]}.${segments[1]}.`)).toBe('refused');
      });

      it('refuses what is no access token, though the server had signed it', async () => {
        const { header, claims } = partsOf(issue().token);
        const { signingKey } = server.app.services.signingKeys.current();
        const signed = (typ: string) => jws({ ...header, typ }, claims, signerOf(algorithm, signingKey));
        expect(await ask(signed('at+jwt'))).toMatch(/^accepted /);
        expect(await ask(signed('JWT'))).toBe('refused');
      });

      it('refuses one for another audience, and one of another issuer', async () => {
        expect(await ask(issue({ audience: 'https://other.example.com' }).token)).toBe('refused');
        expect(await ask(issue({ publicUrl: 'https://other.example.com' }).token)).toBe('refused');
      });

      it('refuses one that has expired, but for 30 s of difference between clocks', async () => {
        expect(await ask(issue({ ageMs: hour + 31_000 }).token)).toBe('refused');
        const { token, accepted } = issue({ ageMs: hour + 5_000 });
        expect(await ask(token)).toBe(accepted);
      });

      it('accepts the token of an ended session, for it follows no feed', async () => {
        const { id, sessionId, token } = await signUp(server.url);
        await logout(server.url, token);
        expect(await ask(token)).toBe(`accepted ${id} ${sessionId} user`);
      });

      it('accepts what a new key signs, which it has not seen before, and what the one before had signed', async () => {
        const { signingKeys } = server.app.services;
        const before = issue();
        expect(await ask(before.token)).toBe(before.accepted);
        await signingKeys.rotate();
        server.advanceClock(publicationLeadMs);
        const after = issue();
        expect(partsOf(after.token).header.kid).not.toBe(partsOf(before.token).header.kid);
        // Who asks for an unknown key at once, and who only some seconds after the last time: the server publishes it long before it signs.
        await until(async () => (await ask(after.token)) === after.accepted, 'the new key is known', 90_000);
        expect(await ask(before.token)).toBe(before.accepted);
      }, 180_000);
    });
  });
});
