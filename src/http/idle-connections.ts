import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Returns a function that ends every connection without a request under way. `server.close()` leaves those on which nothing
 * was ever sent (a browser opens them in advance), and would wait for them.
 */
export function watchIdleConnections(server: Server): () => void {
  const connections = new Set<Socket>();
  const busy = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    busy.add(socket);
    response.once('close', () => busy.delete(socket));
  });
  return () => {
    for (const socket of connections) if (!busy.has(socket)) socket.destroy();
  };
}
