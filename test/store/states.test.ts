import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { sessionStates, toSession } from '../../src/auth/sessions.js';
import type { Store } from '../../src/store/port.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const instants = [0, 1, 2, 3, 4].map((step) => t0 + step * minute);
const instant = fc.constantFrom(...instants);

/** Sessions of one account in any state, ended in any way, with instants that often coincide. */
const sessions = fc.array(
  fc.record({
    epoch: fc.constantFrom(1, 2, 3),
    createdAt: instant,
    idleExpiresAt: instant,
    isKept: fc.boolean(),
    revokedAt: fc.option(instant, { freq: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);
const account = fc.record({ sessionEpoch: fc.constantFrom(1, 2, 3), raisedAt: fc.option(instant, { freq: 6 }), keepsOne: fc.boolean() });

describeStores('A list by state', (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  async function place(facts: { sessionEpoch: number; raisedAt: number | null; keepsOne: boolean }, rows: { isKept: boolean }[]) {
    const accountId = randomUUID();
    const records = rows.map(({ isKept: _, ...row }) => {
      const { revokedAt, ...rest } = row as { revokedAt: number | null };
      return aSession({ accountId, expiresAt: t0 + day, ...rest, revoked: revokedAt === null ? null : anEnding({ at: revokedAt }) });
    });
    await Promise.all(records.map((record) => store.createSession(record)));
    const kept = facts.keepsOne ? records[rows.findIndex(({ isKept }) => isKept)] : undefined;
    const owner: AccountRecord = anAccount({
      id: accountId,
      sessionEpoch: facts.sessionEpoch,
      keptSessionId: kept?.id ?? null,
      sessionsEnded: facts.raisedAt === null ? null : anEnding({ at: facts.raisedAt }),
    });
    return { owner, records };
  }

  it('holds exactly the sessions that are in this state by their own account of it, each in one list', async () => {
    await fc.assert(
      fc.asyncProperty(account, sessions, instant, async (facts, rows, now) => {
        // Instants of the account may lie in the future: clocks of nodes differ.
        const { owner, records } = await place(facts, rows);
        const stateOf = (record: SessionRecord) => toSession(record, owner, now).state;
        for (const state of sessionStates) {
          const query = {
            accountId: owner.id,
            state,
            now,
            epoch: owner.sessionEpoch,
            keptSessionId: owner.keptSessionId,
            epochRaisedAt: owner.sessionsEnded?.at ?? null,
          };
          const listed = await store.listSessions(query, { limit: 100, after: null });
          const expected = records.filter((record) => stateOf(record) === state);
          expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(expected.map(({ id }) => id)));
          expect(await store.countSessions(query, 100)).toBe(expected.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});
