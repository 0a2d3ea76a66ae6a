import { beforeEach, describe, expect, it } from '@jest/globals';
import { SessionUses } from '../../src/auth/session-uses.js';
import { StoreUnavailableError } from '../../src/store/port.js';
import type { SessionUse } from '../../src/store/queries.js';
import { RecordingLog } from '../support/factories.js';
import { aSession, minute, t0 } from '../support/records.js';

let batches: (readonly SessionUse[])[];
let isDown: boolean;
let log: RecordingLog;
let uses: SessionUses;
/** Called while a batch is on its way to the store. */
let underway: () => void;
beforeEach(() => {
  batches = [];
  isDown = false;
  underway = () => undefined;
  log = new RecordingLog();
  const recordUses = async (batch: readonly SessionUse[]) => {
    underway();
    if (isDown) throw new StoreUnavailableError();
    batches.push([...batch]);
  };
  uses = new SessionUses({ store: { recordUses }, log });
});

const session = aSession({ id: 'one', generation: 1, rotations: [t0] });

describe('uses of access tokens', () => {
  it('confirm the present generation at once, in memory', () => {
    uses.note(session, 1, t0 + 10);
    expect(uses.overlay(session)).toEqual({ ...session, confirmedGeneration: 1, confirmedAt: t0 + 10, lastSeenAt: t0 + 10 });
    expect(batches).toEqual([]);
  });

  it('are written in one batch, once', async () => {
    const other = aSession({ id: 'other' });
    uses.note(session, 1, t0 + 10);
    uses.note(other, 0, t0 + 20);
    await uses.flush();
    await uses.flush();
    expect(batches).toEqual([
      [
        { sessionId: 'one', generation: 1, at: t0 + 10 },
        { sessionId: 'other', generation: 0, at: t0 + 20 },
      ],
    ]);
  });

  it('are not written when there are none', async () => {
    await uses.flush();
    expect(batches).toEqual([]);
  });

  it('confirm a generation once: the first use counts', async () => {
    uses.note(session, 1, t0 + 10);
    uses.note(session, 1, t0 + 20);
    expect(uses.overlay(session).confirmedAt).toBe(t0 + 10);
    await uses.flush();
    expect(batches).toEqual([[{ sessionId: 'one', generation: 1, at: t0 + 10 }]]);
  });

  it('tell nothing new within a minute of a generation that is confirmed', async () => {
    const confirmed = { ...session, confirmedGeneration: 1, confirmedAt: t0, lastSeenAt: t0 };
    uses.note(confirmed, 1, t0 + minute - 1);
    expect(uses.overlay(confirmed)).toBe(confirmed);
    uses.note(confirmed, 1, t0 + minute);
    expect(uses.overlay(confirmed)).toEqual({ ...confirmed, lastSeenAt: t0 + minute });
    await uses.flush();
    expect(batches).toEqual([[{ sessionId: 'one', generation: 1, at: t0 + minute }]]);
  });

  it('of an earlier generation confirm nothing, and say that the client was seen', () => {
    uses.note(session, 0, t0 + minute);
    expect(uses.overlay(session)).toEqual({ ...session, lastSeenAt: t0 + minute });
  });

  it('of an earlier generation do not take back what a later one confirmed', () => {
    uses.note(session, 1, t0 + 10);
    uses.note(session, 0, t0 + 2 * minute);
    expect(uses.overlay(session)).toMatchObject({ confirmedGeneration: 1, confirmedAt: t0 + 10 });
  });

  it('of the present generation confirm it though an earlier one was noted before', () => {
    uses.note(session, 0, t0 + minute);
    uses.note(session, 1, t0 + minute + 10);
    expect(uses.overlay(session)).toMatchObject({ confirmedGeneration: 1, confirmedAt: t0 + minute + 10 });
  });

  it('do not confirm the generation that came after the note', () => {
    uses.note(session, 1, t0 + 10);
    const rotated = { ...session, generation: 2, rotations: [t0, t0 + 20] };
    expect(uses.overlay(rotated)).toMatchObject({ confirmedGeneration: -1, confirmedAt: null });
  });

  it('never make a session older than its record says', () => {
    uses.note(session, 1, t0 - minute);
    expect(uses.overlay(session).lastSeenAt).toBe(t0);
  });

  it('of one session leave the others alone', () => {
    uses.note(session, 1, t0 + 10);
    const other = aSession({ id: 'other' });
    expect(uses.overlay(other)).toBe(other);
  });
});

describe('a batch that the store does not take', () => {
  it('is kept, said aloud and written the next time', async () => {
    isDown = true;
    uses.note(session, 1, t0 + 10);
    await uses.flush();
    expect(log.lines).toEqual([{ level: 'warn', details: { err: expect.any(StoreUnavailableError) }, message: expect.any(String) }]);
    expect(uses.overlay(session)).toMatchObject({ confirmedGeneration: 1, confirmedAt: t0 + 10 });
    isDown = false;
    await uses.flush();
    expect(batches).toEqual([[{ sessionId: 'one', generation: 1, at: t0 + 10 }]]);
  });

  it('is joined with what was noted meanwhile', async () => {
    isDown = true;
    uses.note(session, 1, t0 + 10);
    underway = () => uses.note(aSession({ id: 'other' }), 0, t0 + 20);
    await uses.flush();
    isDown = false;
    underway = () => undefined;
    await uses.flush();
    expect(batches[0]?.map(({ sessionId }) => sessionId).sort()).toEqual(['one', 'other']);
  });

  it('keeps the instant of the first use', async () => {
    isDown = true;
    uses.note(session, 1, t0 + 10);
    underway = () => uses.note(session, 1, t0 + 20);
    await uses.flush();
    expect(uses.overlay(session).confirmedAt).toBe(t0 + 10);
  });
});

describe('a batch on its way', () => {
  it('still shows: a refresh in that moment must know what was confirmed', async () => {
    uses.note(session, 1, t0 + 10);
    let seen = session;
    underway = () => {
      seen = uses.overlay(session);
    };
    await uses.flush();
    expect(seen).toMatchObject({ confirmedGeneration: 1, confirmedAt: t0 + 10 });
  });
});

describe('a flush while a batch is on its way', () => {
  it('waits for it, and writes what was noted since', async () => {
    uses.note(session, 1, t0 + 10);
    const first = uses.flush();
    uses.note(aSession({ id: 'other' }), 0, t0 + 20 + minute);
    await Promise.all([uses.flush(), uses.flush()]);
    expect(batches.map((batch) => batch.map(({ sessionId }) => sessionId))).toEqual([['one'], ['other']]);
    await first;
  });
});

describe('very many uses', () => {
  it('are bounded at 100,000: the oldest are forgotten', async () => {
    for (let index = 0; index < 100_001; index += 1) uses.note({ ...session, id: `${index}` }, 1, t0 + index);
    await uses.flush();
    expect(batches.flat()).toHaveLength(100_000);
    expect(batches[0]?.[0]?.sessionId).toBe('1');
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(200);
  });

  it('do not forget another when one of them is noted again', async () => {
    const seenBefore = (index: number) => ({ ...session, id: `${index}` });
    for (let index = 0; index < 100_000; index += 1) uses.note(seenBefore(index), 0, t0 + minute);
    uses.note(seenBefore(5), 1, t0 + minute);
    await uses.flush();
    expect(batches.flat()).toHaveLength(100_000);
  });
});
