import type { EpochMs } from '../store/port.js';

interface ClockDeps {
  /** The database's clock, or null where it runs on this machine's. */
  readonly readStoreClock: () => Promise<EpochMs | null>;
  readonly wallClock?: () => EpochMs;
}

/**
 * The one clock by which instants are written and judged: the store's where it has one of its own, so that nodes agree
 * however far apart their machines' clocks are; else the wall clock. It never goes backwards within a process.
 */
export class Clock {
  private offset = 0;
  private latest = 0;
  private readonly wallClock: () => EpochMs;

  constructor(private readonly deps: ClockDeps) {
    this.wallClock = deps.wallClock ?? Date.now;
  }

  now(): EpochMs {
    this.latest = Math.max(this.latest, this.wallClock() + this.offset);
    return this.latest;
  }

  /** Measures the offset to the store's clock. Throws `StoreUnavailableError`; the offset then stays as it was. */
  async synchronize(): Promise<void> {
    const before = this.wallClock();
    const storeTime = await this.deps.readStoreClock();
    const after = this.wallClock();
    // The store read its clock somewhere between the two: the middle is off by half a round trip at most.
    this.offset = storeTime === null ? 0 : storeTime - Math.round((before + after) / 2);
  }
}
