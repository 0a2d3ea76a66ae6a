/** Lines by key: within this process one piece of work at a time for each, in the order in which they came. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** What `work` gives, or its error, which concerns nobody else in the line. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.last.get(key) ?? Promise.resolve()).then(work);
    const over = mine.then(
      () => this.leave(key, over),
      () => this.leave(key, over),
    );
    this.last.set(key, over);
    return mine;
  }

  private leave(key: string, over: Promise<void>): void {
    if (this.last.get(key) === over) this.last.delete(key);
  }
}
