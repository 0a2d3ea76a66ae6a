import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionMails } from '../mail/mails.js';
import type { Store } from '../store/port.js';
import type { AccountRecord, SessionRecord } from '../store/records.js';
import type { Log } from './log.js';

interface NoticesDeps {
  readonly store: Pick<Store, 'listSessions'>;
  readonly mails: SessionMails;
  readonly log: Log;
}

/** Sessions that are looked through for a device. */
const mostSessions = 200;

/** Mails that tell a person what happened to the account. No request waits for one, and none fails because of one. */
export class Notices {
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly deps: NoticesDeps) {}

  /** Two parties held one session: the person is to know, and only the person can tell whether one was a thief (RFC 9700 4.14.2). */
  reuseDetected(account: AccountRecord, session: SessionRecord): void {
    this.inBackground('reuseDetected', () => this.deps.mails.reuseDetected(account, factsOf(session)));
  }

  /**
   * Tells of the sign-in that began `session`, unless it was the account's first one, or a session on record, ended ones included, that began before it
   * has a device of the same name and kind. That is the client's own claim: whoever uses a browser and system that the person uses too is
   * not noticed, and whoever has been away for longer than sessions are kept is told once more.
   */
  signedIn(account: AccountRecord, session: SessionRecord): void {
    if (session.ordinal <= 1) return;
    this.inBackground('newDevice', async () => {
      // The sign-in is answered first.
      await nextTurn();
      if (!(await this.isKnown(account, session))) await this.deps.mails.newDevice(account, factsOf(session));
    });
  }

  /** Resolves when every notice is in the outbox. */
  async settle(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async isKnown(account: AccountRecord, session: SessionRecord): Promise<boolean> {
    const { id: accountId, sessionEpoch: epoch, keptSessionId, sessionsEnded } = account;
    const epochRaisedAt = sessionsEnded?.at ?? null;
    const query = { accountId, state: null, now: session.createdAt, epoch, keptSessionId, epochRaisedAt };
    const sessions = await this.deps.store.listSessions(query, { limit: mostSessions, after: null });
    const { label, kind } = session.device;
    return sessions.some(({ ordinal, device }) => ordinal < session.ordinal && device.label === label && device.kind === kind);
  }

  private inBackground(kind: string, work: () => Promise<void>): void {
    const working = work()
      .catch((error: unknown) => this.deps.log.error({ err: error, kind }, 'a notice could not be put into the outbox'))
      .finally(() => this.underWay.delete(working));
    this.underWay.add(working);
  }
}

const factsOf = ({ device, createdAt }: SessionRecord) => ({ label: device.label, signedInAt: new Date(createdAt) });
