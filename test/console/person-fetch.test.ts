import { describe, expect, test } from '@jest/globals';
import { createPersonFetch, type Identity } from '../../console/src/page/sandbox/person-fetch.js';

const refused = (reason: string, path: readonly unknown[] = ['me']) => ({
  errors: [{ message: 'Sign in first.', path, extensions: { code: 'UNAUTHENTICATED', reason } }],
  data: null,
});
const answered = { data: { me: { email: 'ada@example.com' } } };
const request = (query: string, operationName?: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query, operationName }),
});
const whoAmI = request('query WhoAmI { me { email } }', 'WhoAmI');

/** A page that holds the token `old` and gets `new`, or nothing, by a refresh; and a server that gives these answers, one after the other. */
function page(answers: readonly (object | string)[], { identity = 'me' as Identity, next = 'new' as string | null } = {}) {
  const sent: Request[] = [];
  const refusedTokens: string[] = [];
  const auth = {
    getAccessToken: async () => 'old',
    handleUnauthenticated: async (token: string) => {
      refusedTokens.push(token);
      return next;
    },
  };
  const left = [...answers];
  const send = createPersonFetch(
    auth,
    () => identity,
    async (target, init) => {
      sent.push(new Request(target as string, init));
      const answer = left.shift();
      return new Response(typeof answer === 'string' ? answer : JSON.stringify(answer));
    },
  );
  const ask = async (init: RequestInit): Promise<unknown> => (await send('http://latchkey.test/graphql', init)).text();
  return { ask, refusedTokens, sent, tokens: () => sent.map(({ headers }) => headers.get('authorization')) };
}

describe("The console's sandbox sends", () => {
  test('the token of the person without the cookie, and none for nobody', async () => {
    const own = page([answered]);
    expect(await own.ask(whoAmI)).toBe(JSON.stringify(answered));
    expect(own.tokens()).toEqual(['Bearer old']);
    expect(own.sent[0]?.credentials).toBe('omit');
    const nobody = page([refused('NO_TOKEN')], { identity: 'nobody' });
    await nobody.ask(whoAmI);
    expect(nobody.tokens()).toEqual([null]);
    expect(nobody.refusedTokens).toEqual([]);
  });

  test('the Authorization of the header editor instead, which is not mended', async () => {
    const { ask, tokens, refusedTokens } = page([refused('EXPIRED')]);
    await ask({ ...whoAmI, headers: { Authorization: 'Bearer other' } });
    expect(tokens()).toEqual(['Bearer other']);
    expect(refusedTokens).toEqual([]);
  });

  test.each(['EXPIRED', 'INVALID'])('a query again, once, with another token where its own is %s', async (reason) => {
    const { ask, tokens, refusedTokens } = page([refused(reason), refused(reason)]);
    expect(await ask(whoAmI)).toBe(JSON.stringify(refused(reason)));
    expect(tokens()).toEqual(['Bearer old', 'Bearer new']);
    expect(refusedTokens).toEqual(['old']);
  });

  test.each([
    ['a mutation that was itself refused', request('mutation { revokeSession(id: 1) { id } }'), ['revokeSession'], 2],
    ['the operation that is named, of two', request('mutation A { logout } query B { me { email } }', 'B'), ['me'], 2],
    ['no mutation that may have done the half of it', request('mutation { logout revokeAllSessions { count } }'), ['revokeAllSessions'], 1],
    ['no mutation that was done before something in its answer was refused', request('mutation { a { b } }'), ['a', 'b'], 1],
    ['no operation that cannot be told', request('mutation A { logout } query B { me { email } }'), ['me'], 1],
  ])('again %s', async (_title, init, path, times) => {
    const { ask, tokens, refusedTokens } = page([refused('EXPIRED', path), answered]);
    await ask(init);
    expect(tokens()).toHaveLength(times);
    expect(refusedTokens).toEqual(['old']);
  });

  test('nothing again where the session has ended: the page comes to know of it', async () => {
    const { ask, tokens, refusedTokens } = page([refused('REVOKED')], { next: null });
    expect(await ask(whoAmI)).toBe(JSON.stringify(refused('REVOKED')));
    expect(tokens()).toEqual(['Bearer old']);
    expect(refusedTokens).toEqual(['old']);
  });

  test('and hands on the refusal where there is no other token, and an answer that is no JSON', async () => {
    const { ask } = page([refused('EXPIRED'), '<html>'], { next: null });
    expect(await ask(whoAmI)).toBe(JSON.stringify(refused('EXPIRED')));
    expect(await ask(whoAmI)).toBe('<html>');
  });
});
