import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { backoffMs } from '../../src/mail/backoff.js';
import { type Mail, MailRefusedError } from '../../src/mail/port.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { FakeTime, memoryStore, storeWith } from '../support/factories.js';
import { aLetter, anOutbox, aSeal, type OutboxUnderTest, RecordingMailer, theToken } from '../support/outboxes.js';
import { day, minute } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const seal = aSeal();
const logged = ({ log }: OutboxUnderTest) => log.lines.map(({ message }) => message);
const texts = ({ log }: OutboxUnderTest) =>
  log.lines.map(({ details, message }) => message + JSON.stringify(details) + String((details as { err?: Error }).err?.stack)).join('\n');

describeStores('Mails in the outbox', (database) => {
  let store: Store;
  let time: FakeTime;
  let mailer: RecordingMailer;
  beforeEach(async () => {
    store ??= await database.open();
    time = new FakeTime();
    mailer = new RecordingMailer();
  });
  const node = (over: Partial<Parameters<typeof anOutbox>[2]> = {}, own: Store = store) => anOutbox(own, mailer, { seal, time, ...over });
  /** What is due has been tried. */
  const turn = async ({ outbox }: OutboxUnderTest) => {
    await outbox.deliverDue();
    await outbox.settle();
  };

  it('are handed over at once, once, with all their parts, and leave no trace', async () => {
    const one = node();
    await one.outbox.put('resetPassword', aLetter());
    await one.outbox.settle();
    await turn(one);
    expect(mailer.mails).toEqual([{ id: expect.any(String), ...aLetter() }]);
    expect(await database.row('mails', mailer.mails[0]?.id ?? '')).toBeNull();
    expect(one.log.lines).toEqual([]);
  });

  it('are not overlooked by a look that ends at the same moment', async () => {
    let endLook = () => {};
    let endPut = () => {};
    const looked = new Promise<void>((resolve) => {
      endLook = resolve;
    });
    let looks = 0;
    const claimMails: Store['claimMails'] = (...claim) => {
      looks += 1;
      return looks > 1 ? store.claimMails(...claim) : looked.then(() => []);
    };
    const putMail: Store['putMail'] = async (mail) => {
      await store.putMail(mail);
      await new Promise<void>((resolve) => {
        endPut = resolve;
        hasPut();
      });
    };
    let hasPut = () => {};
    const put = new Promise<void>((resolve) => {
      hasPut = resolve;
    });
    const one = node({}, storeWith(store, { claimMails, putMail }));
    const looking = one.outbox.deliverDue();
    const putting = one.outbox.put('x', aLetter('overlooked@example.com'));
    await put;
    endLook();
    endPut();
    await Promise.all([looking, putting]);
    await one.outbox.settle();
    expect(mailer.mails.map(({ to }) => to)).toEqual(['overlooked@example.com']);
  });

  it('hold up nobody while the mailer hangs, and are unreadable in the database', async () => {
    const started: Mail[] = [];
    const hanging = anOutbox(
      store,
      { send: (mail) => new Promise(() => void started.push(mail)) },
      { seal, time, limits: { longestStopMs: 1 } },
    );
    for (let count = 0; count < 9; count += 1) await hanging.outbox.put('resetPassword', aLetter(`a${count}@example.com`));
    await hanging.outbox.deliverDue();
    expect(started.length).toBe(4);
    const row = await database.row('mails', started[0]?.id ?? '');
    expect(row).toMatchObject({ kind: 'resetPassword' });
    expect(JSON.stringify(row)).not.toMatch(/token-|example/);
    await hanging.outbox.close();
    // What was under way is given back, the rest is as it was: all of it comes.
    time.move(minute);
    const next = node();
    await turn(next);
    expect(mailer.mails.map(({ to }) => to).sort()).toEqual(Array.from({ length: 9 }, (_, count) => `a${count}@example.com`));
  });

  it('are tried again, later and later, while the mailer fails, and all arrive when it is mended', async () => {
    const one = node();
    mailer.fault = new Error('no route');
    await Promise.all(Array.from({ length: 6 }, (_, count) => one.outbox.put('resetPassword', aLetter(`b${count}@example.com`))));
    await one.outbox.settle();
    expect(mailer.attempts).toBe(6);
    await turn(one);
    expect(mailer.attempts).toBe(6);
    for (const delay of [5_000, 10_000, 20_000]) {
      time.move(delay - 1);
      await turn(one);
      const before = mailer.attempts;
      time.move(1);
      await turn(one);
      expect(mailer.attempts).toBe(before + 6);
    }
    mailer.fault = null;
    time.move(40_000);
    await turn(one);
    expect(mailer.mails.map(({ to }) => to).sort()).toEqual(Array.from({ length: 6 }, (_, count) => `b${count}@example.com`));
    expect(texts(one)).not.toContain(theToken);
  });

  it('are given up after a day, told of once, and gone', async () => {
    const one = node();
    mailer.fault = new Error('no route');
    await one.outbox.put('resetPassword', aLetter());
    for (let passed = 0; passed < day + minute; passed += 15 * minute) {
      await turn(one);
      time.move(15 * minute);
    }
    expect(one.givenUp).toEqual([{ kind: 'resetPassword', accountId: null, reason: 'EXPIRED' }]);
    expect(logged(one).filter((message) => message.includes('given up'))).toHaveLength(1);
    expect(mailer.attempts).toBeGreaterThan(50);
    expect(texts(one)).not.toContain(theToken);
    mailer.fault = null;
    time.move(day);
    await turn(one);
    expect(mailer.mails).toEqual([]);
  });

  it('are given up when their link has ended, also between two attempts', async () => {
    const one = node();
    mailer.fault = new Error('no route');
    const about = { accountId: 'account-3', goodUntil: time.wall() + 12_000 };
    await one.outbox.put('resetPassword', aLetter(), about);
    await one.outbox.settle();
    time.move(5_000);
    await turn(one);
    expect({ attempts: mailer.attempts, givenUp: one.givenUp }).toEqual({
      attempts: 2,
      givenUp: [{ kind: 'resetPassword', accountId: 'account-3', reason: 'EXPIRED' }],
    });
    mailer.fault = null;
    const late = anOutbox(store, null, { seal, time });
    await late.outbox.put('verifyEmail', aLetter(), { ...about, goodUntil: time.wall() + 1_000 });
    time.move(1_000);
    await turn(one);
    expect(one.givenUp.slice(1)).toEqual([{ kind: 'verifyEmail', accountId: 'account-3', reason: 'EXPIRED' }]);
    expect(mailer.mails).toEqual([]);
  });

  it('are given up at once when they are refused for good', async () => {
    const one = node();
    mailer.fault = new MailRefusedError('no such box');
    await one.outbox.put('verifyEmail', aLetter(), { accountId: 'account-1', goodUntil: null });
    await one.outbox.settle();
    time.move(day / 2);
    await turn(one);
    expect({ attempts: mailer.attempts, givenUp: one.givenUp }).toEqual({
      attempts: 1,
      givenUp: [{ kind: 'verifyEmail', accountId: 'account-1', reason: 'REFUSED' }],
    });
  });

  it('go out once where two processes share the store', async () => {
    const nodes = await Promise.all([0, 1].map(async () => node({}, await database.open())));
    await Promise.all(Array.from({ length: 40 }, (_, count) => nodes[count % 2]?.outbox.put('x', aLetter(`c${count}@example.com`))));
    for (let turns = 0; turns < 20; turns += 1) await Promise.all(nodes.map(turn));
    expect(mailer.mails).toHaveLength(40);
    expect(new Set(mailer.mails.map(({ to }) => to)).size).toBe(40);
  });

  it('come again when the process that held them died between taking and sending them', async () => {
    const dead = anOutbox(store, { send: () => new Promise(() => {}) }, { seal, time });
    await dead.outbox.put('x', aLetter('orphan@example.com'));
    await dead.outbox.deliverDue();
    const heir = node();
    time.move(119_999);
    await turn(heir);
    expect(mailer.mails).toEqual([]);
    time.move(1);
    await turn(heir);
    expect(mailer.mails.map(({ to }) => to)).toEqual(['orphan@example.com']);
  });

  it('do not come again from the process that sent them and could not tell the store', async () => {
    let isDown = true;
    const removeMail: Store['removeMail'] = async (id, claimId) => {
      if (isDown) throw new StoreUnavailableError(new Error('the connection was refused'));
      return store.removeMail(id, claimId);
    };
    const one = node({}, storeWith(store, { removeMail }));
    await one.outbox.put('x', aLetter());
    await one.outbox.settle();
    isDown = false;
    time.move(2 * minute);
    await turn(one);
    time.move(2 * minute);
    await turn(node());
    expect(mailer.mails).toHaveLength(1);
  });

  it('wait where there is no mailer for a process that has one, and for no longer than a day', async () => {
    const mute = anOutbox(store, null, { seal, time });
    await mute.outbox.put('x', aLetter('first@example.com'));
    await turn(mute);
    await turn(node());
    expect(mailer.mails.map(({ to }) => to)).toEqual(['first@example.com']);
    await mute.outbox.put('y', aLetter('second@example.com'), { accountId: 'account-2', goodUntil: null });
    time.move(day - 1);
    await turn(mute);
    expect(mute.givenUp).toEqual([]);
    time.move(1);
    await turn(mute);
    expect(mute.givenUp).toEqual([{ kind: 'y', accountId: 'account-2', reason: 'EXPIRED' }]);
  });

  it('are counted by what becomes of them', async () => {
    const one = node();
    mailer.fault = new Error('no route');
    await one.outbox.put('x', aLetter());
    await one.outbox.settle();
    mailer.fault = null;
    time.move(5_000);
    await turn(one);
    mailer.fault = new MailRefusedError('no such box');
    await one.outbox.put('x', aLetter());
    await one.outbox.settle();
    expect(one.outcomes).toEqual(['retried', 'sent', 'given_up']);
  });

  it('are handed over too when a release put them that sealed neither account nor end', async () => {
    const id = randomUUID();
    const record = { id, kind: 'x', createdAt: time.wall(), dueAt: time.wall(), attempts: 0, claimId: null, purgeAt: time.wall() + day };
    await store.putMail({ ...record, sealed: seal.seal(id, JSON.stringify(aLetter())) });
    const one = node();
    await turn(one);
    expect(mailer.mails).toEqual([{ id, ...aLetter() }]);
    expect(one.log.lines).toEqual([]);
  });

  it('are not sent when somebody changed or swapped them in the store', async () => {
    const others: string[] = [];
    const swapping = storeWith(store, {
      putMail: (mail) => {
        others.push(mail.sealed);
        return store.putMail({ ...mail, sealed: others.length === 1 ? mail.sealed : (others[0] ?? '') });
      },
    });
    const one = node({}, swapping);
    await one.outbox.put('x', aLetter('victim@example.com'));
    await one.outbox.put('x', aLetter('thief@example.com'));
    await one.outbox.settle();
    expect(mailer.mails.map(({ to }) => to)).toEqual(['victim@example.com']);
    expect(one.givenUp).toEqual([{ kind: 'x', accountId: null, reason: 'UNREADABLE' }]);
  });
});

describe('An attempt that does not settle', () => {
  it('counts as failed after its time, is told to stop, and is not repeated if it succeeds all the same', async () => {
    const time = new FakeTime();
    const store = await memoryStore();
    let noteRemoval = () => {};
    const removed = new Promise<void>((resolve) => {
      noteRemoval = resolve;
    });
    const removeMail: Store['removeMail'] = async (id, claimId) => {
      const wasThere = await store.removeMail(id, claimId);
      noteRemoval();
      return wasThere;
    };
    let finish = () => {};
    let signal: AbortSignal | undefined;
    let sends = 0;
    const slow = {
      send: (_: Mail, given: AbortSignal) => {
        sends += 1;
        signal = given;
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
    };
    const one = anOutbox(storeWith(store, { removeMail }), slow, { seal, time, limits: { longestAttemptMs: 1 } });
    await one.outbox.put('x', aLetter());
    await one.outbox.settle();
    expect(signal?.aborted).toBe(true);
    expect(logged(one)).toEqual(['a mail could not be handed over; it is tried again']);
    finish();
    await removed;
    time.move(day / 2);
    await one.outbox.deliverDue();
    await one.outbox.settle();
    expect(sends).toBe(1);
    await store.close();
  });

  it('of closing the mailer does not hang the stop', async () => {
    const store = await memoryStore();
    const never = () => new Promise<void>(() => {});
    const one = anOutbox(store, { send: never, close: never }, { seal, time: new FakeTime(), limits: { longestStopMs: 1 } });
    await one.outbox.put('x', aLetter());
    await one.outbox.close();
    expect(texts(one)).toContain('the service stops');
    await store.close();
  });
});

describe('The delay between attempts', () => {
  it('doubles from 5 s to 15 min, a quarter more or less', () => {
    expect([1, 2, 3, 8, 9, 100].map((attempts) => backoffMs(attempts, 0.5))).toEqual([5_000, 10_000, 20_000, 640_000, 900_000, 900_000]);
    expect([backoffMs(1, 0), backoffMs(1, 1)]).toEqual([3_750, 6_250]);
  });
});
