import type { Store } from '../../src/store/port.js';
import {
  aKey,
  aMail,
  anAccount,
  anAccountQuery,
  anAuditQuery,
  anAuditRecord,
  anEnding,
  aOneTimeToken,
  aQuery,
  aSearch,
  aSession,
  aSignup,
  aTally,
  day,
  t0,
} from './records.js';
import { stopwatch } from './stalls.js';

const change = { expectedGeneration: 0, at: t0, attemptId: 'a', idleExpiresAt: t0 + day, purgeAt: t0 + day };
const spent = { hash: 'a', expectedVersion: 1 };
const selector = { accountId: 'a', epochBelow: null, ordinalAtMost: null, exceptId: null };

/** Every verb that asks the database, once. */
export const reads: Record<string, (store: Store) => Promise<unknown>> = {
  findAccount: (store) => store.findAccount('a'),
  findAccountByEmail: (store) => store.findAccountByEmail('a'),
  findAccountByUsername: (store) => store.findAccountByUsername('a'),
  findSignup: (store) => store.findSignup('a'),
  listSignups: (store) => store.listSignups('a', t0, 1),
  findSession: (store) => store.findSession('a'),
  findCurrent: (store) => store.findCurrent('a', 'a'),
  listSessions: (store) => store.listSessions(aQuery('a'), { limit: 1, after: null }),
  countSessions: (store) => store.countSessions(aQuery('a'), 1),
  findOrdinalBeyond: (store) => store.findOrdinalBeyond(aQuery('a'), 0),
  findAccounts: (store) => store.findAccounts(['a', 'b']),
  listAccounts: (store) => store.listAccounts(anAccountQuery({ role: 'admin' }), { limit: 1, after: null }),
  countAccounts: (store) => store.countAccounts(anAccountQuery(), 1),
  listAllSessions: (store) => store.listAllSessions(aSearch({ recordState: 'ACTIVE' }), { limit: 1, after: null }),
  countAllSessions: (store) => store.countAllSessions(aSearch(), 1),
  listDeletions: (store) => store.listDeletions(t0, 1),
  listAudit: (store) => store.listAudit(anAuditQuery({ types: ['LOGIN', 'LOGOUT'] }), { limit: 1, after: null }),
  sumAudit: (store) => store.sumAudit(['LOGIN'], [t0, t0 + 1]),
  findTallies: (store) => store.findTallies(['a', 'b']),
  listKeys: (store) => store.listKeys(),
  watchChanges: (store) => store.watchChanges({ onChange: () => undefined, onLost: () => undefined }),
  beat: (store) => store.beat(),
  recentChanges: (store) => store.recentChanges(t0, 1),
  claimMails: (store) => store.claimMails(t0, { id: 'a', until: t0 + day }, 1),
  ping: (store) => store.ping(),
};

/** Every verb that changes something, once. */
export const writes: Record<string, (store: Store) => Promise<unknown>> = {
  createAccount: (store) => store.createAccount(anAccount()),
  watchSessions: (store) => store.watchSessions({ onChange: () => undefined, onLost: () => undefined }),
  recordSignIn: (store) => store.recordSignIn('a', t0),
  rehashPassword: (store) => store.rehashPassword('a', 'old', 'new'),
  changePassword: (store) => store.changePassword('a', 'old', 'new', { ...anEnding(), kept: null }),
  endSessions: (store) => store.endSessions('a', { ...anEnding(), kept: null }),
  disableAccount: (store) => store.disableAccount('a', { at: t0, until: null, reason: null }, anEnding()),
  enableAccount: (store) => store.enableAccount('a', 1, t0),
  deleteAccount: (store) => store.deleteAccount('a', 1, anEnding()),
  finishDeletion: (store) => store.finishDeletion('a', t0),
  setRoles: (store) => store.setRoles('a', 1, [], t0),
  setUsername: (store) => store.setUsername('a', 'b'),
  addOneTimeToken: (store) => store.addOneTimeToken('a', 'a', aOneTimeToken()),
  resetPassword: (store) => store.resetPassword('a', spent, 'new', anEnding()),
  verifyEmail: (store) => store.verifyEmail('a', spent, t0),
  changeEmail: (store) => store.changeEmail('a', spent, { email: 'a', tokens: [] }, t0),
  revertEmailChange: (store) => store.revertEmailChange('a', spent, { email: 'a', tokens: [] }, anEnding()),
  addSignup: (store) => store.addSignup(aSignup()),
  renewSignup: (store) => store.renewSignup('a', 'b', 'c', t0),
  removeSignup: (store) => store.removeSignup('a', 'b'),
  createSession: (store) => store.createSession(aSession()),
  advance: (store) => store.advance('a', change),
  assertCurrent: (store) => store.assertCurrent('a', 0, t0, true),
  reauthenticate: (store) => store.reauthenticate('a', 'a', t0),
  recordUses: (store) => store.recordUses([{ sessionId: 'a', generation: 0, at: t0 }]),
  revoke: (store) => store.revoke('a', null, anEnding(), t0),
  revokeWhere: (store) => store.revokeWhere(selector, anEnding(), t0),
  revokeMany: (store) => store.revokeMany(['a', 'b'], anEnding(), t0),
  eraseTraces: (store) => store.eraseTraces('a'),
  purge: (store) => store.purge(t0, 1),
  appendAudit: (store) => store.appendAudit([anAuditRecord()]),
  countAudit: (store) => store.countAudit(anAuditRecord({ id: 'a' })),
  replaceTally: (store) => store.replaceTally(aTally(), null),
  putMail: (store) => store.putMail(aMail()),
  releaseMail: (store) => store.releaseMail('a', 'b', t0),
  removeMail: (store) => store.removeMail('a', null),
  addKey: (store) => store.addKey(aKey()),
  addWrapping: (store) => store.addWrapping('a', 'b', 'c'),
  removeWrappings: (store) => store.removeWrappings('a', ['b'], {}),
  revokeKey: (store) => store.revokeKey('a', t0),
};

export interface VerbOutcome {
  readonly verb: string;
  /** The name of what it rejected with, or `resolved`. */
  readonly outcome: string;
  readonly inTime: boolean;
}

type Verbs = Record<string, (store: Store) => Promise<unknown>>;

/** Calls all of the verbs at once and tells what came of each, and whether within the 3 s of the port. */
export function callAll(store: Store, verbs: Verbs): Promise<VerbOutcome[]> {
  return Promise.all(Object.entries(verbs).map(([verb, call]) => outcomeOf(verb, () => call(store))));
}

/** As `callAll`, one after the other: for a database that answers, and has other things to do as well. */
export async function callInTurn(store: Store, verbs: Verbs): Promise<VerbOutcome[]> {
  const outcomes: VerbOutcome[] = [];
  for (const [verb, call] of Object.entries(verbs)) outcomes.push(await outcomeOf(verb, () => call(store)));
  return outcomes;
}

async function outcomeOf(verb: string, call: () => Promise<unknown>): Promise<VerbOutcome> {
  const sinceCall = stopwatch();
  const outcome = await call().then(
    () => 'resolved',
    (error: Error) => error.name,
  );
  return { verb, outcome, inTime: sinceCall() < 3_000 };
}

/** What `callAll` gives when every verb fares alike. */
export function allOf(verbs: Record<string, unknown>, outcome: string): VerbOutcome[] {
  return Object.keys(verbs).map((verb) => ({ verb, outcome, inTime: true }));
}
