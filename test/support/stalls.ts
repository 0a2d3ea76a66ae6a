import { afterAll } from '@jest/globals';

const [everyMs, toleratedMs] = [10, 20];
let stalledMs = 0;
let lastAt = 0;
let timer: NodeJS.Timeout | undefined;
afterAll(() => clearInterval(timer));

const pendingMs = (now: number) => Math.max(0, now - lastAt - everyMs - toleratedMs);

function watch(): void {
  if (timer !== undefined) return;
  lastAt = performance.now();
  timer = setInterval(() => {
    const now = performance.now();
    stalledMs += pendingMs(now);
    lastAt = now;
  }, everyMs);
}

/** Milliseconds in which this process and the servers in it did not get to run although they had something to do. */
const stalledSoFar = () => stalledMs + pendingMs(performance.now());

/**
 * Starts to measure; gives how many milliseconds have passed since then, whenever it is asked. For limits of time that a service promises:
 * what a busy machine lets nobody run in is not the service's time, and does not count.
 */
export function stopwatch(): () => number {
  watch();
  const [startedAt, stalledBefore] = [performance.now(), stalledSoFar()];
  return () => performance.now() - startedAt - (stalledSoFar() - stalledBefore);
}
