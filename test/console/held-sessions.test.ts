import { describe, expect, test } from '@jest/globals';
import { HeldSessions } from '../../console/src/sandbox/held-sessions.js';
import { createSandboxFetch } from '../../console/src/sandbox/sandbox-fetch.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const accessTokenOf = (sid: string, jti = '1') => `${encode({ alg: 'ES256' })}.${encode({ sid, jti, name: 'Łucja' })}.signature`;
const payload = (sid: string, jti?: string, refreshToken: string | null = `refresh-${sid}`) => ({
  accessToken: accessTokenOf(sid, jti),
  refreshToken,
  user: { email: `${sid}@example.com` },
});

describe('The sandbox notices', () => {
  test('the tokens of signup, login and refreshToken, under any alias', () => {
    const held = new HeldSessions();
    held.notice({ data: { signup: { auth: payload('a') } } });
    held.notice({ data: { again: payload('b') } });
    expect(held.snapshot().sessions.map(({ id, number, email }) => [id, number, email])).toEqual([
      ['a', 1, 'a@example.com'],
      ['b', 2, 'b@example.com'],
    ]);
    expect(held.snapshot().current?.id).toBe('b');
  });

  test('new tokens of a session that it holds, and goes on speaking for whom it did', () => {
    const held = new HeldSessions();
    held.notice({ data: { login: payload('a') } });
    held.notice({ data: { login: payload('b') } });
    held.notice({ data: { refreshToken: { accessToken: accessTokenOf('a', '2'), refreshToken: 'next' } } });
    const [first] = held.snapshot().sessions;
    expect(first).toMatchObject({ id: 'a', accessToken: accessTokenOf('a', '2'), refreshToken: 'next', email: 'a@example.com' });
    expect(held.snapshot().current?.id).toBe('b');
  });

  test('no refresh token in cookie mode', () => {
    const held = new HeldSessions();
    held.notice({ data: { login: payload('a', '1', null) } });
    expect(held.snapshot().current).toMatchObject({ id: 'a', refreshToken: null });
  });

  test.each([
    ['null', null],
    ['a text', 'data'],
    ['an error', { data: null, errors: [{ accessToken: accessTokenOf('a') }] }],
    ['a token that is no JWT', { data: { login: { accessToken: 'opaque' } } }],
    ['a token without a session', { data: { login: { accessToken: `x.${encode({})}.y` } } }],
    ['a token with a broken payload', { data: { login: { accessToken: 'x.!!!.y' } } }],
  ])('nothing in %s', (_name, answer) => {
    const held = new HeldSessions();
    held.notice(answer);
    expect(held.snapshot()).toEqual({ sessions: [], current: null });
  });
});

describe('The sandbox sends', () => {
  function sender(answer = '{"data":null}') {
    const held = new HeldSessions();
    const sent: Headers[] = [];
    const send = createSandboxFetch(held, async (_target, init) => {
      sent.push(new Headers(init?.headers));
      return new Response(answer);
    });
    return { held, send, sent };
  }

  test('the token of the session that is chosen, none for nobody, and none after it forgot', async () => {
    const { held, send, sent } = sender();
    held.notice({ data: { login: payload('a') } });
    held.notice({ data: { login: payload('b') } });
    await send('/graphql');
    held.choose('a');
    await send('/graphql');
    held.choose('unknown');
    await send('/graphql');
    held.choose(null);
    await send('/graphql');
    held.choose('a');
    held.forget();
    await send('/graphql');
    const bearer = (sid: string) => `Bearer ${accessTokenOf(sid)}`;
    expect(sent.map((headers) => headers.get('authorization'))).toEqual([bearer('b'), bearer('a'), bearer('a'), null, null]);
  });

  test.each(['Bearer other', ''])('the Authorization of the header editor instead (%j)', async (authorization) => {
    const { held, send, sent } = sender();
    held.notice({ data: { login: payload('a') } });
    await send('/graphql', { headers: { Authorization: authorization } });
    expect(sent[0]?.get('authorization')).toBe(authorization);
  });

  test('and hands on an answer that is no JSON', async () => {
    const { send } = sender('<html>');
    expect(await (await send('/graphql')).text()).toBe('<html>');
  });
});
