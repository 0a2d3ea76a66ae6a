/** Where services write what an operator must know. Never a password, token, hash or key. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
