import { beforeEach, describe, expect, it } from '@jest/globals';
import { RevocationSet } from '../../src/auth/revocation-set.js';
import type { Change } from '../../src/store/port.js';
import { anAccount, anEnding } from '../support/records.js';

const keptForMs = 1_000;
const session = (sessionId: string) => ({ kind: 'session-revoked', sessionId, ending: anEnding() }) satisfies Change;
function account(id: string, version: number): Extract<Change, { kind: 'account-changed' }> {
  const { sessionEpoch, keptSessionId, sessionsEnded, roles, disabled } = anAccount({ id });
  return { kind: 'account-changed', account: { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled, deleted: false } };
}

describe('The numbers of entries', () => {
  let set: RevocationSet;
  beforeEach(() => {
    set = new RevocationSet(keptForMs);
  });
  const since = (number: number) => [...set.since(number)].map(({ id, number: own }) => `${id} ${own}`);

  it('rise in the order in which entries were learnt, and divide what a reader has from what it has not', () => {
    expect([set.lastNumber, since(0)]).toEqual([0, []]);
    expect([set.add(session('a'), 0), set.add(account('b', 1), 0), set.add(session('c'), 0)]).toEqual([true, true, true]);
    expect(since(0)).toEqual(['a 1', 'b 2', 'c 3']);
    expect(since(2)).toEqual(['c 3']);
    expect(since(3)).toEqual([]);
    expect(set.lastNumber).toBe(3);
  });

  it('are new for a newer state of an account, which is then told once, and for nothing else', () => {
    set.add(account('a', 2), 0);
    set.add(session('b'), 0);
    expect([set.add(account('a', 2), 1), set.add(account('a', 1), 1), set.add(session('b'), 1)]).toEqual([false, false, false]);
    expect(since(0)).toEqual(['a 1', 'b 2']);
    expect(set.add(account('a', 3), 2)).toBe(true);
    expect(since(0)).toEqual(['b 2', 'a 3']);
    expect(since(1)).toEqual(['b 2', 'a 3']);
    expect([...set.since(2)]).toMatchObject([{ kind: 'account', value: { version: 3 } }]);
  });

  it('are not given again when entries have gone, and mean nothing any more when all were cleared', () => {
    const { life } = set;
    set.add(session('a'), 0);
    set.add(session('b'), keptForMs);
    set.prune(keptForMs);
    expect(since(0)).toEqual(['b 2']);
    expect(set.life).toBe(life);
    set.add(session('a'), keptForMs);
    expect(since(0)).toEqual(['b 2', 'a 3']);
    set.clear();
    expect(since(0)).toEqual([]);
    expect(set.life).not.toBe(life);
    expect(new RevocationSet(keptForMs).life).not.toBe(set.life);
  });

  it('stay in order when one account changes time and again', () => {
    for (let version = 1; version <= 5_000; version += 1) {
      set.add(account('a', version), version);
      if (version % 500 === 0) {
        set.add(session(`s${version}`), version);
        set.prune(0);
      }
    }
    expect(since(0)).toEqual([
      ...Array.from({ length: 9 }, (_, index) => `s${(index + 1) * 500} ${(index + 1) * 501}`),
      'a 5009',
      's5000 5010',
    ]);
    expect(since(5_009)).toEqual(['s5000 5010']);
  });
});
