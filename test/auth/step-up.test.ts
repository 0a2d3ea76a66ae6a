import { expect, it } from '@jest/globals';
import { staleProof } from '../../src/auth/step-up.js';
import { callers } from '../rules/callers.js';
import { day, t0 } from '../support/records.js';

it('with the age 0 every proof is recent, also one from before a clock was set back', () => {
  for (const now of [t0, t0 + 400 * day, t0 - day]) {
    expect(staleProof(callers.administrator, { now, reauthenticationAgeSeconds: 0 })).toBeNull();
  }
  expect(staleProof(callers.administrator, { now: t0 + 61_000, reauthenticationAgeSeconds: 60 })).toMatchObject({
    code: 'REAUTHENTICATION_REQUIRED',
    details: {},
  });
});
