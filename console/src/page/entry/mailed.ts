/** A mail that somebody has asked for. */
export interface Mailed {
  readonly kind: 'verification' | 'reset';
  readonly email: string;
}
