import Database from 'libsql';

export type Value = string | number | null;
export type Values = Readonly<Record<string, Value>>;

/** How long SQLite itself may wait for a lock. It blocks the event loop, so the patient waiting is done in `retry.ts`. */
const busyTimeoutMs = 20;

/**
 * One libsql connection with its prepared statements.
 *
 * Two traits of the driver shape it. A value that is not a string, a finite number or null aborts the *process* (a panic in
 * native code), so each is checked before it is bound. A text that comes back is cut at its first NUL although it is stored
 * whole, so rows are selected as one JSON text (`json_object`), where a NUL is escaped.
 */
export class Connection {
  private readonly database: Database.Database;
  private readonly statements = new Map<string, Database.Statement<[Values]>>();

  constructor(readonly path: string) {
    this.database = new Database(path, { timeout: busyTimeoutMs });
  }

  get inTransaction(): boolean {
    return this.database.inTransaction;
  }

  /** Executes SQL that takes no values. */
  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** Runs a statement and says how many rows it changed. */
  run(sql: string, values: Values = {}): number {
    return this.prepare(sql).run(checked(values)).changes;
  }

  /** The rows of a query whose only column is a JSON object. */
  rows(sql: string, values: Values): unknown[] {
    return this.prepare(sql)
      .all(checked(values))
      .map((row) => JSON.parse(String(firstColumn(row))) as unknown);
  }

  /** The first column of the first row as a number; null when there is no row or it is null. */
  number(sql: string, values: Values): number | null {
    const [row] = this.prepare(sql).all(checked(values));
    const value = row === undefined ? null : firstColumn(row);
    return value === null ? null : Number(value);
  }

  /** Reads or sets a PRAGMA; undefined when it answers nothing. */
  pragma(source: string): unknown {
    const row = this.database.pragma(source, { simple: true });
    return row === undefined ? undefined : firstColumn(row);
  }

  /** Prepared statements keep the file open until they are collected, so they are let go of as well. */
  close(): void {
    this.statements.clear();
    this.database.close();
  }

  private prepare(sql: string): Database.Statement<[Values]> {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare<[Values]>(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

/** A value of a type that SQLite has not: a fault of the caller, not of the database. */
export class UnbindableError extends TypeError {
  override readonly name = 'UnbindableError';
}

function checked(values: Values): Values {
  for (const [name, value] of Object.entries(values)) {
    const bindable = value === null || typeof value === 'string' || Number.isFinite(value);
    if (!bindable) throw new UnbindableError(`${name} is neither text, a finite number nor null`);
  }
  return values;
}

/** `pragma` and `get` answer objects that also carry `_metadata`, last. */
function firstColumn(row: unknown): unknown {
  return Object.values(row as object)[0];
}
