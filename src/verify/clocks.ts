/** The clocks of a machine, in milliseconds: one that is set now and then, and one that only runs forward. */
export interface Clocks {
  readonly wall: () => number;
  readonly monotonic: () => number;
}

export const machineClocks: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() };

/** A moment by both. */
export type Moment = Readonly<Record<keyof Clocks, number>>;

export const momentOf = (clocks: Clocks): Moment => ({ wall: clocks.wall(), monotonic: clocks.monotonic() });

/**
 * The milliseconds since, by whichever clock says more: the one that runs forward stands still while the machine sleeps, and the other may be
 * set back. Too much costs a question to the server, too little would trust what is old.
 */
export function elapsedMs(since: Moment, clocks: Clocks): number {
  return Math.max(clocks.wall() - since.wall, clocks.monotonic() - since.monotonic);
}
