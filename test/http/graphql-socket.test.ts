import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { keepAlive } from '../../src/http/graphql-socket.js';

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly calls: string[] = [];
  ping = () => void this.calls.push('ping');
  terminate = () => void this.calls.push('terminate');
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('a client is pinged every 12 s, and let go of when it has not answered one ping before the next', () => {
  const socket = new FakeSocket();
  const timer = keepAlive(socket as unknown as Parameters<typeof keepAlive>[0]);
  jest.advanceTimersByTime(12_000);
  expect(socket.calls).toEqual(['ping']);
  socket.emit('pong');
  jest.advanceTimersByTime(12_000);
  expect(socket.calls).toEqual(['ping', 'ping']);
  jest.advanceTimersByTime(12_000);
  expect(socket.calls).toEqual(['ping', 'ping', 'terminate']);
  clearInterval(timer);
});
