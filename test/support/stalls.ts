/** Milliseconds, since the watch began, in which this process and the servers in it did not get to run although they had something to do. */
export interface StallWatch {
  stalledMs(): number;
  stop(): void;
}

/** For limits of time that a service promises: what a busy machine lets nobody run in is not the service's time. */
export function watchStalls(): StallWatch {
  const [everyMs, toleratedMs] = [10, 20];
  let stalledMs = 0;
  let lastAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    stalledMs += Math.max(0, now - lastAt - everyMs - toleratedMs);
    lastAt = now;
  }, everyMs);
  return { stalledMs: () => stalledMs, stop: () => clearInterval(timer) };
}
