import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../auth/log.js';
import type { Store } from '../store/port.js';
import type { EpochMs, MailRecord } from '../store/records.js';
import { backoffMs } from './backoff.js';
import { type Mail, type Mailer, MailRefusedError } from './port.js';

/** So many mails at a time are handed over by one process. */
export const mostAtOnce = 4;
/** An attempt that takes longer counts as failed. */
const longestAttemptMs = 60_000;
/** Whoever claims a mail has it for so long: longer than an attempt, by what clocks may differ and a store may hesitate. */
const leaseMs = 120_000;
const givenUpAfterMs = 86_400_000;
/** A mail that is put before what it tells of is done waits so long for it, if nobody says what became of that. */
const heldMs = 30_000;
/** What the store could not be told yet: so much is kept in mind. */
const mostInMind = 1_000;
/** For records that nobody gives up, because no server runs. */
const keptMs = 2 * givenUpAfterMs;
/** So long a stop waits for mails. */
const longestStopMs = 5_000;

/** What became of a mail that was not delivered. `REFUSED`: for good; `UNREADABLE`: it was changed in the store. */
export interface GivenUp {
  readonly kind: string;
  /** Null where there is none, or the mail cannot be read. */
  readonly accountId: string | null;
  readonly reason: 'EXPIRED' | 'REFUSED' | 'UNREADABLE';
}

/** What the outbox knows of a mail beside what is sent. */
export interface About {
  /** The account that it is about, whatever addresses that one has by now; null where there is none. */
  readonly accountId: string | null;
  /** When its link ends: from then on the mail is of no use. Null: it has none. */
  readonly goodUntil: EpochMs | null;
}
const aboutNobody: About = { accountId: null, goodUntil: null };

type Content = Omit<Mail, 'id'>;
interface Letter {
  readonly content: Content;
  readonly about: About;
}

/**
 * A mail that is durably in the outbox and waits for what it tells of to be done. When nothing more is heard of it, because the process died, it is
 * handed over after 30 s: rather a mail too many than none. Nothing here rejects.
 */
export interface HeldMail {
  /** What it tells of is done: it is due now. */
  release(): Promise<void>;
  /** What it tells of was not done, for certain: nobody gets it. */
  drop(): Promise<void>;
}

interface OutboxDeps {
  readonly store: Pick<Store, 'putMail' | 'claimMails' | 'releaseMail' | 'removeMail'>;
  /** Null: mails wait for a process that has one. */
  readonly mailer: Mailer | null;
  readonly seal: {
    seal(mailId: string, text: string): string;
    /** Null when it does not open. */
    open(mailId: string, sealed: string): string | null;
  };
  readonly clock: { now(): number };
  readonly log: Log;
  /** Told of what becomes of each mail, for an operator to count. Never throws. */
  readonly count?: (outcome: 'sent' | 'retried' | 'given_up') => void;
  /** Told of each mail that is given up, once. Never throws or rejects. */
  readonly onGivenUp: (mail: GivenUp) => Promise<void>;
  /** For tests. */
  readonly limits?: { readonly longestAttemptMs?: number; readonly longestStopMs?: number };
  readonly random?: () => number;
}

/**
 * Mails on their way. What `put` has taken is handed to the mailer at least once, by this process or another, whoever of them is killed at
 * any moment; or given up after a day. No request waits for a mailer.
 *
 * Whoever hands a mail over has claimed it in the store, for longer than an attempt takes: two processes hold it at once only when one of
 * them was stopped in the middle for longer than that. When a process dies, the claim runs out and the mail is due again.
 */
export class Outbox {
  private readonly underWay = new Set<Promise<void>>();
  /** Handed over, or not to be, but the store could not be told yet. */
  private readonly leaving = new Set<string>();
  /** To be put, but the store could not be told yet. */
  private readonly unput = new Map<string, MailRecord>();
  private readonly stop = new AbortController();
  private dispatching: Promise<void> | null = null;
  private kicks = 0;

  constructor(private readonly deps: OutboxDeps) {}

  /** Resolves when the mail is durably in the outbox; rejects with `StoreUnavailableError`. It is handed over at once, which nobody waits for. */
  async put(kind: string, content: Content, about = aboutNobody): Promise<void> {
    await this.deps.store.putMail(this.recordOf(kind, { content, about }));
    this.kick();
  }

  /** As `put`, for what is done already and must not fail any more: never rejects. While the store does not take the mail it is put again at each round. */
  async putSurely(kind: string, content: Content, about = aboutNobody): Promise<void> {
    const record = this.recordOf(kind, { content, about });
    try {
      await this.deps.store.putMail(record);
      this.kick();
    } catch (error) {
      const { log } = this.deps;
      const isKept = this.unput.size < mostInMind;
      if (isKept) this.unput.set(record.id, record);
      log.error({ err: error, mailId: record.id, kind }, isKept ? 'a mail could not be put; it is tried again' : 'a mail is lost');
    }
  }

  /** Resolves when the mail is durably in the outbox, where it waits; rejects with `StoreUnavailableError`. */
  async hold(kind: string, content: Content, about = aboutNobody): Promise<HeldMail> {
    const { store, clock, log } = this.deps;
    const record = this.recordOf(kind, { content, about });
    const claimId = randomUUID();
    const { id, createdAt } = record;
    await store.putMail({ ...record, claimId, dueAt: createdAt + heldMs });
    return {
      release: async () => {
        try {
          await store.releaseMail(id, claimId, clock.now());
          this.kick();
        } catch (error) {
          log.warn({ err: error, mailId: id, kind }, 'a mail could not be made due; it comes when its time has run out');
        }
      },
      drop: () => this.remove(id).catch((error: unknown) => log.warn({ err: error, mailId: id, kind }, 'a mail could not be removed yet')),
    };
  }

  /** Has what is due handed over. Comes back at once, and never throws. */
  kick(): void {
    this.deliverDue().catch((error: unknown) => this.deps.log.warn({ err: error }, 'the outbox cannot be read; it is tried again'));
  }

  /** Claims what is due and begins to hand it over, as much as may be under way at a time. Rejects with `StoreUnavailableError`. */
  deliverDue(): Promise<void> {
    this.kicks += 1;
    this.dispatching ??= this.dispatch();
    return this.dispatching;
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    while (this.dispatching !== null || this.underWay.size > 0) {
      await Promise.allSettled([this.dispatching, ...this.underWay]);
    }
  }

  /** Waits up to 5 s in all, for mails under way and for the mailer; mails that are not handed over by then stay in the outbox. */
  async close(): Promise<void> {
    const { mailer, limits, log } = this.deps;
    const waiting = new AbortController();
    const patience = pause(limits?.longestStopMs ?? longestStopMs, undefined, { signal: waiting.signal }).catch(() => {});
    const finishing = this.catchUp()
      .catch((error: unknown) => log.warn({ err: error }, 'the outbox cannot be written'))
      .then(() => this.settle());
    await Promise.race([finishing, patience]);
    this.stop.abort();
    await this.settle();
    const closing = (async () => mailer?.close?.())().catch((error: unknown) => log.warn({ err: error }, 'the mailer could not be closed'));
    await Promise.race([closing, patience]);
    waiting.abort();
    if (this.unput.size > 0) log.error({ count: this.unput.size }, 'mails are lost: the store did not take them');
  }

  private recordOf(kind: string, letter: Letter): MailRecord {
    const id = randomUUID();
    const createdAt = this.deps.clock.now();
    const sealed = this.deps.seal.seal(id, JSON.stringify({ ...letter.content, ...letter.about }));
    return { id, kind, sealed, createdAt, dueAt: createdAt, attempts: 0, claimId: null, purgeAt: createdAt + keptMs };
  }

  private async dispatch(): Promise<void> {
    try {
      await this.catchUp();
      while (!this.stop.signal.aborted) {
        // An attempt that ends looks again.
        const free = mostAtOnce - this.underWay.size;
        if (free === 0) return;
        const seen = this.kicks;
        const claimed = await this.claim(free);
        for (const mail of claimed) this.begin(mail);
        // What was put since the look may not have been in it.
        if (claimed.length === 0 && seen === this.kicks) return;
      }
    } finally {
      // In the same step as the decision to end: whoever kicks after it begins anew.
      this.dispatching = null;
    }
  }

  /** Tells the store what it could not be told before. Rejects with `StoreUnavailableError` at the first that it does not take. */
  private async catchUp(): Promise<void> {
    for (const record of this.unput.values()) {
      await this.deps.store.putMail(record);
      this.unput.delete(record.id);
    }
    for (const id of this.leaving) await this.remove(id);
  }

  /** Also when it rejects the mail is not handed over by this process any more, and removed at a later round. */
  private async remove(id: string): Promise<void> {
    try {
      await this.deps.store.removeMail(id, null);
      this.leaving.delete(id);
    } catch (error) {
      const [oldest] = this.leaving;
      if (oldest !== undefined && this.leaving.size >= mostInMind) this.leaving.delete(oldest);
      this.leaving.add(id);
      throw error;
    }
  }

  /** Without a mailer only what nobody has taken for a day, to give it up. */
  private claim(limit: number): Promise<MailRecord[]> {
    const { store, clock, mailer } = this.deps;
    const now = clock.now();
    const dueBy = mailer === null ? now - givenUpAfterMs : now;
    return store.claimMails(dueBy, { id: randomUUID(), until: now + leaseMs }, limit);
  }

  private begin(mail: MailRecord): void {
    const { log } = this.deps;
    const attempt = this.attempt(mail)
      .catch((error: unknown) => log.warn({ err: error, mailId: mail.id }, 'the outbox cannot be written; the mail comes again'))
      .finally(() => {
        this.underWay.delete(attempt);
        this.kick();
      });
    this.underWay.add(attempt);
  }

  private async attempt(mail: MailRecord): Promise<void> {
    const { seal, mailer, clock } = this.deps;
    const text = seal.open(mail.id, mail.sealed);
    if (text === null) return this.giveUp(mail, aboutNobody, 'UNREADABLE');
    const { content, about } = letterFrom(text);
    if (!this.leaving.has(mail.id)) {
      if (mailer === null || clock.now() >= endOf(mail, about)) return this.giveUp(mail, about, 'EXPIRED');
      try {
        await this.handOver(mailer, { id: mail.id, ...content });
      } catch (error) {
        return error instanceof MailRefusedError ? this.giveUp(mail, about, 'REFUSED', error) : this.retryLater(mail, about, error);
      }
      this.deps.count?.('sent');
    }
    await this.remove(mail.id);
  }

  /** Rejects when the mailer does, when its time is over, and when the service stops waiting. */
  private async handOver(mailer: Mailer, mail: Mail): Promise<void> {
    const attempt = new AbortController();
    const cancel = () => attempt.abort(new Error('the service stops'));
    const isOver = new Promise<never>((_, reject) => {
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason), { once: true });
    });
    const limitMs = this.deps.limits?.longestAttemptMs ?? longestAttemptMs;
    const timer = setTimeout(() => attempt.abort(new Error(`the mailer did not settle within ${limitMs} ms`)), limitMs);
    timer.unref();
    this.stop.signal.addEventListener('abort', cancel, { once: true });
    if (this.stop.signal.aborted) cancel();
    const sending = (async () => mailer.send(mail, attempt.signal))();
    try {
      await Promise.race([sending, isOver]);
    } finally {
      clearTimeout(timer);
      this.stop.signal.removeEventListener('abort', cancel);
      if (attempt.signal.aborted) this.noteLate(sending, mail.id);
    }
  }

  /** A mailer that settles too late has still sent the mail: it is not to come again. */
  private noteLate(sending: Promise<void>, id: string): void {
    sending.then(() => this.remove(id)).catch(() => {});
  }

  private async retryLater(mail: MailRecord, about: About, error: unknown): Promise<void> {
    const { store, clock, log, random = Math.random } = this.deps;
    const { id, kind, attempts, claimId } = mail;
    const dueAt = clock.now() + backoffMs(attempts, random());
    if (dueAt >= endOf(mail, about)) return this.giveUp(mail, about, 'EXPIRED', error);
    log.warn(
      { err: error, mailId: id, kind, attempts, nextAttempt: new Date(dueAt) },
      'a mail could not be handed over; it is tried again',
    );
    this.deps.count?.('retried');
    await store.releaseMail(id, claimId ?? '', dueAt);
  }

  /** The record goes first: of two that give a mail up one tells of it. */
  private async giveUp(mail: MailRecord, { accountId }: About, reason: GivenUp['reason'], error?: unknown): Promise<void> {
    const { store, log, onGivenUp } = this.deps;
    const { id, kind, attempts, claimId } = mail;
    if (!(await store.removeMail(id, claimId))) return;
    log.error({ err: error, mailId: id, kind, attempts, reason }, 'a mail was given up');
    this.deps.count?.('given_up');
    await onGivenUp({ kind, accountId, reason });
  }
}

/** A mail that was put by a release which sealed less has no account and no end. */
function letterFrom(text: string): Letter {
  const { accountId = null, goodUntil = null, ...content } = JSON.parse(text) as Content & Partial<About>;
  return { content, about: { accountId, goodUntil } };
}

/** From then on a mail is given up: after a day, and when its link is of no use any more. */
const endOf = ({ createdAt }: MailRecord, { goodUntil }: About): EpochMs =>
  Math.min(createdAt + givenUpAfterMs, goodUntil ?? Number.POSITIVE_INFINITY);
