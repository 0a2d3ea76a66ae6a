import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';

/** From Node 24.9 on. */
interface ChoosyServer extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

/**
 * The upgrades to WebSocket at `/graphql` of this scope, by the event `upgrade`. Any other is left to whoever else takes upgrades on this
 * server; where nobody does, the request is served as if it had not asked.
 */
export function watchUpgrades(app: FastifyInstance): EventEmitter {
  const upgrades = new EventEmitter();
  const server: ChoosyServer = app.server as Server;
  const path = `${app.prefix}/graphql`;
  const isOurs = ({ url }: IncomingMessage): boolean => url?.split('?', 1)[0] === path;
  const isSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';
  const isForNobody = (request: IncomingMessage): boolean => (isOurs(request) ? !isSocket(request) : server.listenerCount('upgrade') === 1);
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isForNobody(request)) serveAsPlain(server, request, socket, head);
    else if (isOurs(request)) upgrades.emit('upgrade', request, socket, head);
  };
  // First: the listener of a WebSocket plugin in another scope would route ours too.
  server.prependListener('upgrade', onUpgrade);
  app.addHook('onClose', async () => void server.off('upgrade', onUpgrade));
  const decideOtherwise = server.shouldUpgradeCallback;
  // Where Node asks, it need not be mended afterwards; and there it could not be: the body would be lost.
  if (decideOtherwise !== undefined) {
    server.shouldUpgradeCallback = (request) => !isForNobody(request) && decideOtherwise.call(server, request);
  }
  return upgrades;
}

const nameOf = (_: string, index: number): boolean => index % 2 === 0;
const dropped = new Set(['upgrade', 'http2-settings', 'connection']);

/**
 * With a listener for upgrades an older Node hands over every request that has `Upgrade`, body unread, and clients such as Java's ask each
 * server for `h2c`. RFC 9110 7.8: a server may ignore it. So the request is put back without those headers, and the connection begins anew.
 */
function serveAsPlain(server: Server, { method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
  const headers = rawHeaders
    .filter(nameOf)
    .map((name, index) => [name, rawHeaders[index * 2 + 1]] as const)
    .filter(([name]) => !dropped.has(name.toLowerCase()));
  const lines = [`${method} ${url} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), 'Connection: close', '', ''];
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head]));
  server.emit('connection', socket);
}
