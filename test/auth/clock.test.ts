import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/auth/clock.js';
import { StoreUnavailableError } from '../../src/store/port.js';
import { aClock, FakeTime } from '../support/factories.js';
import { t0 } from '../support/records.js';

const hour = 3_600_000;

describe('the clock of a node whose store has none', () => {
  it('shows the wall time of the machine', async () => {
    const time = new FakeTime();
    const clock = aClock(time);
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(1_234);
    expect(clock.now()).toBe(t0 + 1_234);
  });

  it('never goes backwards, and never stands still: after a leap it runs at half speed until the truth has caught up', () => {
    const time = new FakeTime();
    const clock = aClock(time);
    time.leap(hour);
    expect(clock.now()).toBe(t0 + hour);
    time.leap(-hour);
    expect(clock.now()).toBe(t0 + hour);
    time.move(60_000);
    expect(clock.now()).toBe(t0 + hour + 30_000);
    time.move(2 * hour);
    expect(clock.now()).toBe(t0 + 2 * hour + 60_000);
    time.move(1_000);
    expect(clock.now()).toBe(t0 + 2 * hour + 61_000);
  });

  it('shows the time of this machine unless told otherwise', () => {
    const before = Date.now();
    const shown = new Clock({ readStoreClock: async () => null }).now();
    expect(shown).toBeGreaterThanOrEqual(before);
    expect(shown).toBeLessThanOrEqual(Date.now());
  });
});

describe('the clock of a node whose store has one', () => {
  const clockOf = (time: FakeTime, readStoreClock: () => Promise<number>) => new Clock({ readStoreClock, machine: time });

  it.each([90_000, -90_000])("keeps the store's time on a machine that is %i ms off", async (off) => {
    const time = new FakeTime(t0 + off);
    const clock = clockOf(time, async () => t0);
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(1_000);
    expect(clock.now()).toBe(t0 + 1_000);
  });

  it.each([hour, -hour])('takes no notice when the wall clock of its machine leaps by %i ms', async (leap) => {
    const time = new FakeTime();
    const clock = clockOf(time, async () => t0);
    await clock.synchronize();
    time.leap(leap);
    time.move(5_000);
    expect(clock.now()).toBe(t0 + 5_000);
  });

  it('takes the middle of the round trip for the instant at which the store looked', async () => {
    const time = new FakeTime();
    const clock = clockOf(time, async () => {
      time.move(60);
      const seen = time.wall() + 7_000;
      time.move(60);
      return seen;
    });
    await clock.synchronize();
    expect(clock.now()).toBe(time.wall() + 7_000);
  });

  it('does not believe a reply that took long, when it has looked before', async () => {
    const time = new FakeTime();
    let delay = 0;
    const clock = clockOf(time, async () => {
      const seen = time.wall();
      time.move(delay);
      return seen;
    });
    await clock.synchronize();
    delay = hour;
    await clock.synchronize();
    expect(clock.now()).toBe(t0 + hour);
  });

  it('does not go back when the store turns out to be behind', async () => {
    const time = new FakeTime();
    let storeTime = t0;
    const clock = clockOf(time, async () => storeTime);
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    storeTime = t0 - 60_000;
    await clock.synchronize();
    expect(clock.now()).toBe(t0);
    time.move(10_000);
    expect(clock.now()).toBe(t0 + 5_000);
  });

  it('carries the time on while the store cannot be asked', async () => {
    const time = new FakeTime();
    let isDown = false;
    const clock = clockOf(time, async () => {
      if (isDown) throw new StoreUnavailableError();
      return t0 + 60_000;
    });
    await clock.synchronize();
    isDown = true;
    await expect(clock.synchronize()).rejects.toThrow(StoreUnavailableError);
    time.move(1_000);
    expect(clock.now()).toBe(t0 + 61_000);
  });
});
