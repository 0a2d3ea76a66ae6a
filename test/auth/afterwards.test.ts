import { describe, expect, it } from '@jest/globals';
import { Afterwards } from '../../src/auth/afterwards.js';
import { aRequest, RecordingLog } from '../support/factories.js';

describe('Work after the answer', () => {
  it('begins when the answer has been written, whatever else the request does', async () => {
    const afterwards = new Afterwards({ log: new RecordingLog() });
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let isDone = false;
    afterwards.run('work', aRequest({ answered }), async () => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isDone).toBe(false);
    answer();
    await afterwards.settle();
    expect(isDone).toBe(true);
  });

  it('that fails is logged, and that is too much is refused', async () => {
    const log = new RecordingLog();
    const afterwards = new Afterwards({ log });
    const failing = async () => {
      throw new TypeError('a fault');
    };
    for (let nth = 0; nth < 1_000; nth += 1) afterwards.run('work', aRequest(), nth === 0 ? failing : async () => {});
    expect(() => afterwards.run('one more', aRequest(), async () => {})).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    await afterwards.settle();
    expect(log.lines.map(({ message }) => message)).toEqual(['what was to be done after an answer failed']);
  });
});
