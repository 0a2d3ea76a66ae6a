import { afterEach, describe, expect, test } from '@jest/globals';
import { createDocumentGuard } from '../../src/graphql/limits.js';
import { errorOf, exchange, post, rawPost, startServer, stopServers } from './server-under-test.js';

afterEach(stopServers);

describe('a request to /graphql', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
    'may be a POST of %s',
    async (type) => {
      const response = await post(await startServer(), undefined, { 'content-type': type });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ data: { ok: true } });
      expect(response.headers.get('cache-control')).toBe('no-store');
    },
  );

  test('may be a GET with the document in the query string, without any further header', async () => {
    const server = await startServer();
    const response = await fetch(`${server.url}/graphql?query=${encodeURIComponent('{ ok }')}&variables=${encodeURIComponent('{"a":1}')}`);
    expect(response.status).toBe(200);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/jsonx',
    'nonsense',
  ])('is refused as %s', async (type) => {
    const response = await post(await startServer(), undefined, { 'content-type': type });
    expect(response.status).toBe(415);
    expect(await errorOf(response)).toMatchObject({ code: 'BAD_REQUEST', reason: 'CONTENT_TYPE' });
  });

  test('is refused without a content type, with and without a body', async () => {
    const { port } = await startServer();
    for (const body of ['{"query":"{ ok }"}', '']) {
      const answer = await exchange(port, rawPost([], body).replace('Content-Type: application/json\r\n', ''));
      expect(answer).toMatch(/^HTTP\/1\.1 415 /);
      expect(answer).toContain('"reason":"CONTENT_TYPE"');
    }
  });

  test.each([
    ['', 'MALFORMED_BODY'],
    ['{', 'MALFORMED_BODY'],
    ['null', 'MALFORMED_BODY'],
    ['"{ ok }"', 'MALFORMED_BODY'],
    ['5', 'MALFORMED_BODY'],
    ['{}', 'MALFORMED_BODY'],
    ['{"query":1}', 'MALFORMED_BODY'],
    ['{"query":""}', 'MALFORMED_BODY'],
    ['{"query":{"kind":"Document"}}', 'MALFORMED_BODY'],
    ['{"query":"{ ok }","variables":"{}"}', 'MALFORMED_BODY'],
    ['{"query":"{ ok }","variables":[1]}', 'MALFORMED_BODY'],
    ['{"query":"{ ok }","extensions":7}', 'MALFORMED_BODY'],
    ['{"query":"{ ok }","operationName":{"$ne":1}}', 'MALFORMED_BODY'],
    ['{"query":"{ ok }","__proto__":{"x":1}}', 'MALFORMED_BODY'],
    ['[]', 'BATCH'],
    ['[{"query":"{ ok }"},{"query":"{ ok }"}]', 'BATCH'],
  ])('is refused with the body %s', async (body, reason) => {
    const response = await post(await startServer(), body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'BAD_REQUEST', reason });
  });

  test.each([
    '',
    '?',
    '?query=',
    '?query=%7Bok%7D&query=%7Bok%7D',
    '?query=%7Bok%7D&variables=1',
    '?query=%7Bok%7D&variables=%7B',
    '?a=%ZZ',
  ])('is refused as GET /graphql%s', async (search) => {
    const response = await fetch(`${(await startServer()).url}/graphql${search}`);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'BAD_REQUEST', reason: 'MALFORMED_BODY' });
  });

  test('is refused above the largest body, whether or not its length is announced', async () => {
    const server = await startServer({}, { LATCHKEY_MAX_BODY: '1kb' });
    const body = JSON.stringify({ query: `{ ok } #${'x'.repeat(200_000)}` });
    const announced = await post(server, body);
    expect(announced.status).toBe(413);
    expect(await errorOf(announced)).toMatchObject({ code: 'BAD_REQUEST', reason: 'BODY_TOO_LARGE' });

    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: stream, duplex: 'half' } as const;
    const chunked = await fetch(`${server.url}/graphql`, init);
    expect(chunked.status).toBe(413);
  });

  test('never reaches the handler with a document above the limits', async () => {
    let handled = 0;
    const server = await startServer({
      checkDocument: createDocumentGuard({ maxTokens: 200, maxDepth: 2, maxAliases: 1, maxDirectives: 1 }),
      graphqlHandler: async () => {
        handled += 1;
        return '{}';
      },
    });
    const deep = '{ a { b { c } } }';
    const posted = await post(server, { query: deep });
    const queried = await fetch(`${server.url}/graphql?query=${encodeURIComponent(deep)}`);
    for (const response of [posted, queried]) {
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ code: 'QUERY_TOO_COMPLEX', reason: 'DEPTH' });
    }
    expect(handled).toBe(0);
  });

  test.each(['PUT', 'PATCH', 'DELETE', 'HEAD', 'PROPFIND'])('is refused by %s', async (method) => {
    const response = await fetch(`${(await startServer()).url}/graphql`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
    if (method !== 'HEAD') expect(await errorOf(response)).toMatchObject({ code: 'BAD_REQUEST', reason: 'METHOD' });
  });

  test.each(['a b', '[', 'a/b', '%', '::1', ''])('with the Host %j is no internal error', async (host) => {
    const { port } = await startServer();
    const answer = await exchange(port, rawPost([]).replace('Host: localhost', `Host: ${host}`));
    expect(answer).toMatch(/^HTTP\/1\.1 (400|200) /);
  });

  test('is told its errors in the media type it accepts', async () => {
    const server = await startServer();
    const known = await post(server, '{', { accept: 'application/graphql-response+json, application/json;q=0.9' });
    expect(known.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
    const unknown = await post(server, '{', { accept: 'application/json' });
    expect(unknown.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test("has its id in the errors of Apollo's own refusals", async () => {
    const server = await startServer({
      graphqlHandler: async (_request, reply) => {
        reply.code(406).type('application/json');
        return '{"errors":[{"message":"m","extensions":{"code":"BAD_REQUEST"}}]}';
      },
    });
    expect(await errorOf(await post(server))).toMatchObject({ code: 'BAD_REQUEST' });
  });
});
