/** Lines by key: within this process one piece of work at a time for each, in the order in which they came. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** What `work` gives, or its error, which concerns nobody else in the line. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.last.get(key) ?? Promise.resolve()).then(work);
    const leave = () => {
      if (this.last.get(key) === over) this.last.delete(key);
    };
    const over: Promise<void> = mine.then(leave, leave);
    this.last.set(key, over);
    return mine;
  }
}
