import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';

/** What a page can send without asking the server first, and what it can only ask for. Each call tells what the page got to see. */
const script = `
  const answerOf = (asked) => asked.then(async (response) => (response.type === 'opaque' ? 'opaque' : response.text()), (error) => error.name);
  const posted = (api, mode, body, headers = {}) => answerOf(fetch(api, { method: 'POST', mode, credentials: 'include', headers, body }));
  const happened = (target, good, bad) => new Promise((resolve) => {
    for (const name of [good, bad]) target.addEventListener(name, () => resolve(name));
  });
  const asForm = (fields, kind) => Object.entries(fields).reduce((form, [name, value]) => (form.append(name, value), form), kind);

  globalThis.attack = async (api, query) => {
    const json = JSON.stringify({ query });
    const got = api + '?query=' + encodeURIComponent(query);
    const image = new Image();
    const shown = happened(image, 'load', 'error');
    image.src = got;
    return {
      text: await posted(api, 'no-cors', json, { 'content-type': 'text/plain' }),
      untyped: await posted(api, 'no-cors', new Blob([json])),
      urlencoded: await posted(api, 'no-cors', asForm({ query }, new URLSearchParams())),
      multipart: await posted(api, 'no-cors', asForm({ query }, new FormData())),
      json: await posted(api, 'cors', json, { 'content-type': 'application/json' }),
      jsonWithCookie: await posted(api, 'cors', json, { 'content-type': 'application/json', 'latchkey-transport': 'cookie' }),
      got: await answerOf(fetch(got, { credentials: 'include' })),
      image: await shown,
      socket: await happened(new WebSocket(api.replace('http', 'ws'), 'graphql-transport-ws'), 'open', 'error'),
    };
  };

  globalThis.submit = (api, enctype, query) => {
    const form = document.createElement('form');
    Object.assign(form, { method: 'POST', action: api, enctype });
    // As text/plain it is JSON: the browser puts a "=" between name and value.
    const [name, value] = enctype === 'text/plain' ? ['{"query":' + JSON.stringify(query) + ',"extensions":{"a', '":"b"}}'] : ['query', query];
    form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    form.submit();
  };

  globalThis.embed = (url) => {
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
    return happened(frame, 'load', 'error');
  };`;

const site = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(`<!doctype html><title>foreign</title><body><script>${script}</script>`);
});
afterAll(() => void site.close());

/** Somebody else's site, at that port of this machine. Stopped after the file's tests. */
export async function startForeignSite(): Promise<number> {
  if (!site.listening) await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return (site.address() as AddressInfo).port;
}
