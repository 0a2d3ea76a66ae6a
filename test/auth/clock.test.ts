import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/auth/clock.js';
import { StoreUnavailableError } from '../../src/store/port.js';
import { aClock, FakeTime } from '../support/factories.js';
import { t0 } from '../support/records.js';

describe('the clock', () => {
  it('shows the wall time of the machine where the store has none', async () => {
    const time = new FakeTime();
    const clock = aClock(time);
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(1_234);
    expect(clock.now()).toBe(t0 + 1_234);
  });

  it('never goes backwards: it stands still until the wall clock has caught up', () => {
    const time = new FakeTime();
    const clock = aClock(time);
    time.move(5_000);
    expect(clock.now()).toBe(t0 + 5_000);
    time.move(-3_600_000);
    expect(clock.now()).toBe(t0 + 5_000);
    time.set(t0 + 4_999);
    expect(clock.now()).toBe(t0 + 5_000);
    time.set(t0 + 5_001);
    expect(clock.now()).toBe(t0 + 5_001);
  });

  it.each([90_000, -90_000])("keeps the store's time on a machine that is %i ms off", async (off) => {
    const time = new FakeTime(t0 + off);
    const clock = new Clock({ readStoreClock: async () => t0, wallClock: time.wallClock });
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(1_000);
    expect(clock.now()).toBe(t0 + 1_000);
  });

  it('takes the middle of the round trip for the instant at which the store looked', async () => {
    const time = new FakeTime();
    const readStoreClock = async () => {
      time.move(60);
      const seen = time.wallClock() + 7_000;
      time.move(60);
      return seen;
    };
    const clock = new Clock({ readStoreClock, wallClock: time.wallClock });
    await clock.synchronize();
    expect(clock.now()).toBe(time.wallClock() + 7_000);
  });

  it('does not go back when the store turns out to be behind', async () => {
    const time = new FakeTime();
    const clock = new Clock({ readStoreClock: async () => t0 - 60_000, wallClock: time.wallClock });
    expect(clock.now()).toBe(t0);
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(60_001);
    expect(clock.now()).toBe(t0 + 1);
  });

  it('keeps its offset while the store cannot be asked', async () => {
    const time = new FakeTime();
    let isDown = false;
    const readStoreClock = async () => {
      if (isDown) throw new StoreUnavailableError();
      return t0 + 60_000;
    };
    const clock = new Clock({ readStoreClock, wallClock: time.wallClock });
    await clock.synchronize();
    isDown = true;
    await expect(clock.synchronize()).rejects.toThrow(StoreUnavailableError);
    expect(clock.now()).toBe(t0 + 60_000);
  });

  it('shows the time of this machine unless told otherwise', () => {
    const before = Date.now();
    const shown = new Clock({ readStoreClock: async () => null }).now();
    expect(shown).toBeGreaterThanOrEqual(before);
    expect(shown).toBeLessThanOrEqual(Date.now());
  });
});
