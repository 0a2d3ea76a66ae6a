import type { EpochMs } from '../store/records.js';

/** The two clocks of a machine. */
export interface MachineClocks {
  /** May be set, and leap, at any time. */
  readonly wall: () => EpochMs;
  /** Milliseconds from some instant on; only ever runs forward. */
  readonly monotonic: () => number;
}

interface ClockDeps {
  /** The database's clock, or null where it runs on this machine's. */
  readonly readStoreClock: () => Promise<EpochMs | null>;
  /** For tests. */
  readonly machine?: MachineClocks;
}

export const thisMachine: MachineClocks = { wall: () => Date.now(), monotonic: () => performance.now() };
/** A reply that took longer says too little about the instant at which the store looked at its clock. */
const longestRoundTripMs = 1_000;

/**
 * The one clock by which instants are written and judged. Where the store has a clock of its own it is that one, carried on by this
 * machine's monotonic clock between two looks, so that nodes agree however far apart, or leaping, their wall clocks are; else it is
 * the wall clock. It never goes backwards within a process: when it turns out to be ahead it runs at half speed until the truth has
 * caught up. (A machine that was suspended finds out at the next look, within 30 s.) It does not stand still for that, because a rotation per instant would look like eight within one grace.
 */
export class Clock {
  private readonly machine: MachineClocks;
  private told = 0;
  private toldAt: number;
  private lastLook: { readonly storeTime: EpochMs; readonly at: number } | null = null;

  constructor(private readonly deps: ClockDeps) {
    this.machine = deps.machine ?? thisMachine;
    this.toldAt = this.machine.monotonic();
  }

  now(): EpochMs {
    const at = this.machine.monotonic();
    const truth = this.lastLook === null ? this.machine.wall() : this.lastLook.storeTime + (at - this.lastLook.at);
    this.told = Math.max(truth, this.told + (at - this.toldAt) / 2);
    this.toldAt = at;
    return Math.floor(this.told);
  }

  /** Looks at the store's clock. Throws `StoreUnavailableError`; the time is then carried on from the last look. */
  async synchronize(): Promise<void> {
    const askedAt = this.machine.monotonic();
    const storeTime = await this.deps.readStoreClock();
    const answeredAt = this.machine.monotonic();
    if (storeTime === null || (this.lastLook !== null && answeredAt - askedAt > longestRoundTripMs)) return;
    // The store read its clock somewhere between the two: the middle is off by half a round trip at most.
    this.lastLook = { storeTime, at: (askedAt + answeredAt) / 2 };
  }
}
