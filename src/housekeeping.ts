import type { Log } from './auth/log.js';

export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

/** The work that no request waits for. A chore that fails is logged and tried again at its next turn; it never overlaps itself. */
export class Housekeeping {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Map<string, Promise<void>>();

  constructor(
    private readonly log: Log,
    private readonly chores: readonly Chore[],
  ) {}

  start(): void {
    for (const chore of this.chores) {
      const timer = setInterval(() => this.turn(chore), chore.everyMs);
      timer.unref();
      this.timers.push(timer);
    }
  }

  /** Resolves when what was running has ended. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.running.values());
  }

  private turn(chore: Chore): void {
    if (this.running.has(chore.name)) return;
    const turn = chore
      .run()
      .catch((error: unknown) => this.log.warn({ err: error, chore: chore.name }, 'housekeeping failed; it is tried again'))
      .finally(() => this.running.delete(chore.name));
    this.running.set(chore.name, turn);
  }
}
