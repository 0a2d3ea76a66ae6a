import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { MailRecord } from '../../src/store/records.js';
import { aMail, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const aClaim = (until = t0 + minute) => ({ id: randomUUID(), until });
const idsOf = (mails: readonly MailRecord[]) => mails.map(({ id }) => id);

describeStores('the outbox', (database) => {
  let store: Store;
  let other: Store;
  beforeAll(async () => {
    [store, other] = await Promise.all([database.open(), database.open()]);
  });
  /** Leaves nothing that a later test could claim. */
  const empty = async () => {
    for (const { id } of await store.claimMails(t0 + 9 * day, aClaim(t0 + 10 * day), 100)) await store.removeMail(id, null);
  };

  it('gives a mail as it was put, with the claim upon it', async () => {
    const mail = aMail({ kind: 'x'.repeat(100), sealed: `\0"{$}'${'é'.repeat(50_000)}` });
    await store.putMail(mail);
    const claim = aClaim();
    expect(await other.claimMails(t0, claim, 10)).toEqual([{ ...mail, claimId: claim.id, dueAt: claim.until, attempts: 1 }]);
    await empty();
  });

  it('leaves a mail alone that is put again, also one that is being sent', async () => {
    const mail = aMail();
    await store.putMail(mail);
    const claim = aClaim();
    await store.claimMails(t0, claim, 1);
    await store.putMail({ ...mail, sealed: 'another' });
    expect(await store.claimMails(t0, aClaim(), 1)).toEqual([]);
    expect(await store.claimMails(claim.until, aClaim(t0 + day), 1)).toMatchObject([{ sealed: mail.sealed, attempts: 2 }]);
    await empty();
  });

  it('gives mails when they are due, those longest due first, up to the limit', async () => {
    const [late, early, middle, future] = [3, 1, 2, 4].map((offset) => aMail({ dueAt: t0 + offset }));
    for (const mail of [late, early, middle, future]) await store.putMail(mail as MailRecord);
    expect(await store.claimMails(t0, aClaim(), 10)).toEqual([]);
    expect(idsOf(await store.claimMails(t0 + 3, aClaim(), 2))).toEqual([early?.id, middle?.id]);
    expect(idsOf(await store.claimMails(t0 + 3, aClaim(), 2))).toEqual([late?.id]);
    expect(idsOf(await store.claimMails(t0 + 4, aClaim(), 2))).toEqual([future?.id]);
    await empty();
  });

  it('gives each mail to one of many that ask at once through two stores', async () => {
    const mails = Array.from({ length: 30 }, () => aMail());
    for (const mail of mails) await store.putMail(mail);
    const taken: string[] = [];
    const worker = async (mine: Store) => {
      // A round that lost all it saw to others comes back empty though mails are left.
      for (let rounds = 0; rounds < 40; rounds += 1) taken.push(...idsOf(await mine.claimMails(t0, aClaim(), 3)));
    };
    await Promise.all([store, other, store, other].map(worker));
    expect(taken.sort()).toEqual(idsOf(mails).sort());
    await empty();
  });

  it('gives back what a holder that died had, when the claim ends, and not before', async () => {
    await store.putMail(aMail({ id: 'orphan' }));
    const first = aClaim(t0 + minute);
    await store.claimMails(t0, first, 1);
    expect(await other.claimMails(t0 + minute - 1, aClaim(), 1)).toEqual([]);
    const second = aClaim(t0 + 2 * minute);
    expect(await other.claimMails(t0 + minute, second, 1)).toMatchObject([{ id: 'orphan', attempts: 2, claimId: second.id }]);
    // The first holder was only slow: it can neither give the mail back nor give it up.
    expect(await store.releaseMail('orphan', first.id, t0)).toBe(false);
    expect(await store.removeMail('orphan', first.id)).toBe(false);
    expect(await other.claimMails(t0 + 2 * minute - 1, aClaim(), 1)).toEqual([]);
    // But what it has sent is sent.
    expect(await store.removeMail('orphan', null)).toBe(true);
    expect(await other.removeMail('orphan', second.id)).toBe(false);
  });

  it('takes a mail back for later', async () => {
    await store.putMail(aMail({ id: 'again' }));
    const claim = aClaim();
    await store.claimMails(t0, claim, 1);
    expect(await store.releaseMail('again', claim.id, t0 + 5)).toBe(true);
    expect(await store.releaseMail('again', claim.id, t0)).toBe(false);
    expect(await other.claimMails(t0 + 4, aClaim(), 1)).toEqual([]);
    expect(await other.claimMails(t0 + 5, aClaim(), 1)).toMatchObject([{ id: 'again', attempts: 2 }]);
    await empty();
  });

  it('gives up a mail by its claim, once of two at once', async () => {
    await store.putMail(aMail({ id: 'hopeless' }));
    const claim = aClaim();
    await store.claimMails(t0, claim, 1);
    const removed = await Promise.all([store, other].map((mine) => mine.removeMail('hopeless', claim.id)));
    expect(removed.sort()).toEqual([false, true]);
    expect(await database.row('mails', 'hopeless')).toBeNull();
    expect(await store.removeMail('hopeless', null)).toBe(false);
    expect(await store.releaseMail('hopeless', claim.id, t0)).toBe(false);
  });

  it('is purged of what nobody took, after sessions, up to the limit', async () => {
    await store.createSession(aSession({ purgeAt: t0 }));
    const kept = aMail({ purgeAt: t0 + minute + 1 });
    for (const mail of [kept, aMail({ purgeAt: t0 + minute }), aMail({ purgeAt: t0 })]) await store.putMail(mail);
    expect(await store.purge(t0 + minute, 2)).toBe(2);
    expect(await store.purge(t0 + minute, 2)).toBe(1);
    expect(idsOf(await store.claimMails(t0, aClaim(), 10))).toEqual([kept.id]);
    await empty();
  });
});
