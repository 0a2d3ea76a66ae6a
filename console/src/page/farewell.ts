import { farewellFor } from './words.js';

let own: string | null = null;

/** Before this page ends its own session: the server's reason would tell of another device. */
export function leaveWith(text: string): void {
  own = text;
}

/** The session goes on after all, or another has begun. */
export function stay(): void {
  own = null;
}

/** Why nobody is signed in here, in words; null where nobody had been. */
export const farewell = (reason: string): string | null => own ?? farewellFor(reason);
