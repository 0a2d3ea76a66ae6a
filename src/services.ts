import { AccessTokens } from './auth/access-tokens.js';
import { AccountDeletions } from './auth/account-deletions.js';
import { AccountDirectory } from './auth/account-directory.js';
import { Accounts } from './auth/accounts.js';
import { Administration } from './auth/administration.js';
import { Administrators } from './auth/administrators.js';
import { Afterwards } from './auth/afterwards.js';
import { Audit } from './auth/audit.js';
import { AuditSearch } from './auth/audit-search.js';
import { BulkRevocations } from './auth/bulk-revocations.js';
import { Clock, type MachineClocks, thisMachine } from './auth/clock.js';
import { EmailChanges } from './auth/email-changes.js';
import { EmailVerifications } from './auth/email-verifications.js';
import { Introspection } from './auth/introspection.js';
import { KeyAdministration } from './auth/key-administration.js';
import { LiveViewers } from './auth/live-viewers.js';
import type { Log } from './auth/log.js';
import { Logouts } from './auth/logouts.js';
import { MailSeal } from './auth/mail-seal.js';
import { type Meter, noMeter } from './auth/meter.js';
import { Notices } from './auth/notices.js';
import { OwnAccounts } from './auth/own-accounts.js';
import type { OwnClaimsSource } from './auth/own-claims.js';
import { PasswordChanges } from './auth/password-changes.js';
import { PasswordResets } from './auth/password-resets.js';
import { Passwords } from './auth/passwords.js';
import { Reauthentications } from './auth/reauthentications.js';
import { RefreshTokens } from './auth/refresh-tokens.js';
import { Refreshes } from './auth/refreshes.js';
import { RevocationFeed } from './auth/revocation-feed.js';
import { RevocationLog } from './auth/revocation-log.js';
import { ReadThroughCheck } from './auth/revocations.js';
import { RoleBook } from './auth/role-book.js';
import { ServerKeys } from './auth/server-keys.js';
import { SessionEvents } from './auth/session-events.js';
import { SessionSearch } from './auth/session-search.js';
import { SessionUses } from './auth/session-uses.js';
import { Sessions } from './auth/sessions.js';
import { SignIns } from './auth/sign-ins.js';
import { SigningKeys } from './auth/signing-keys.js';
import { Throttle } from './auth/throttle.js';
import { TokenIssuer } from './auth/token-issuer.js';
import { Viewers } from './auth/viewers.js';
import { WaitingSignups } from './auth/waiting-signups.js';
import { KeyWrapping } from './auth/wrapped-keys.js';
import type { Config } from './config.js';
import { type Chore, Housekeeping } from './housekeeping.js';
import { type AccountMails, Mails } from './mail/mails.js';
import { type GivenUp, Outbox } from './mail/outbox.js';
import type { Mailer } from './mail/port.js';
import type { Store } from './store/port.js';
import { version } from './version.js';

/** So many expired records are removed by one write, between which requests have their turn. */
const purgeBatch = 500;
/** So many batches at a time at most: a stop waits for them. */
const mostBatches = 100;

/** Says how many; `onProgress` is told after each batch. */
async function removeExpired(store: Store, clock: Clock, batches: number, onProgress?: (removed: number) => void): Promise<number> {
  let removed = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    const inBatch = await store.purge(clock.now(), purgeBatch);
    removed += inBatch;
    onProgress?.(removed);
    if (inBatch < purgeBatch) break;
  }
  return removed;
}

async function forgetChanges(store: Store, before: number): Promise<void> {
  for (let batches = 0; batches < mostBatches; batches += 1) {
    if ((await store.forgetChanges(before, purgeBatch)) < purgeBatch) return;
  }
}

interface CommonParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly issuer: TokenIssuer;
  readonly mails: AccountMails;
  readonly afterwards: Afterwards;
  readonly audit: Audit;
  readonly log: Log;
  readonly roles: RoleBook;
  readonly config: Config;
}

/** Accounts, and what changes by which a person gets in. */
function credentialsOver(parts: CommonParts) {
  const waitingSignups = new WaitingSignups(parts);
  const accounts = new Accounts({ ...parts, waitingSignups });
  const emailChanges = new EmailChanges({ ...parts, accounts });
  return {
    accounts,
    emailChanges,
    emailVerifications: new EmailVerifications({ ...parts, waitingSignups, emailChanges }),
    passwordChanges: new PasswordChanges({ ...parts, accounts }),
    passwordResets: new PasswordResets(parts),
  };
}

function administrationOver(parts: CommonParts & { readonly accounts: Accounts; readonly passwordResets: PasswordResets }) {
  const sessionSearch = new SessionSearch(parts);
  const bulkRevocations = new BulkRevocations({ ...parts, search: sessionSearch });
  const deletions = new AccountDeletions(parts);
  const administrators = new Administrators(parts);
  const administration = new Administration({ ...parts, administrators, deletions, bulkRevocations });
  const ownAccounts = new OwnAccounts({ ...parts, administrators, deletions });
  return { ownAccounts, accountDirectory: new AccountDirectory(parts), sessionSearch, bulkRevocations, deletions, administration };
}

interface PostParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly mailer: Mailer | null;
  readonly seal: MailSeal;
  readonly throttle: Throttle;
  readonly audit: Audit;
  readonly log: Log;
  readonly meter: Meter;
  readonly config: Config;
}

/** Everything about mails but the mailer. */
function postOver({ store, clock, mailer, seal, throttle, audit, log, meter, config }: PostParts) {
  const tell = async ({ kind, accountId, reason }: GivenUp) =>
    audit.after('MAIL_GIVEN_UP', { by: null, accountId, detail: { mail: kind, reason } });
  const outbox = new Outbox({ store, clock, mailer, seal, log, count: (outcome) => meter.mailEnded(outcome), onGivenUp: tell });
  const admits = async (kind: string, address: string) => {
    const isAdmitted = await throttle.mail(kind, address);
    if (!isAdmitted) meter.mailEnded('dropped');
    return isAdmitted;
  };
  const mails = new Mails({ outbox, admits, log, config });
  return { outbox, mails, notices: new Notices({ store, mails, log }) };
}

interface ChoreParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly uses: SessionUses;
  readonly audit: Audit;
  readonly signingKeys: SigningKeys;
  readonly deletions: AccountDeletions;
  readonly revocations: RevocationFeed;
  readonly outbox: Outbox;
}

function choresOf({ store, clock, uses, audit, signingKeys, deletions, revocations, outbox }: ChoreParts): Chore[] {
  return [
    { name: 'deliver mails', everyMs: 2_000, run: () => outbox.deliverDue() },
    { name: 'write uses of sessions', everyMs: 5_000, run: () => uses.flush() },
    { name: 'write the audit log', everyMs: 5_000, run: () => audit.flush() },
    { name: 'synchronize the clock', everyMs: 30_000, run: () => clock.synchronize() },
    { name: 'tend the signing keys', everyMs: 60_000, run: () => signingKeys.tend() },
    {
      name: 'remove expired records',
      everyMs: 60_000,
      run: async () => void (store.purgesItself || (await removeExpired(store, clock, mostBatches))),
    },
    { name: 'finish deletions of accounts', everyMs: 60_000, run: () => deletions.finishAll() },
    { name: 'forget old changes', everyMs: 60_000, run: () => forgetChanges(store, clock.now() - revocations.keptForMs) },
  ];
}

type KeyedParts = Pick<ServiceDeps, 'config' | 'store' | 'log' | 'meter'> & { readonly clock: Clock; readonly serverKeys: ServerKeys };

/** What needs a key of the server's own, each made at the first start. */
async function withServerKeys({ config, store, clock, log, meter, serverKeys }: KeyedParts) {
  const refreshTokens = new RefreshTokens(await serverKeys.loadOrCreate('refresh-mac', clock.now()));
  const passwords = await Passwords.open(config, await serverKeys.loadOrCreate('pepper', clock.now()), meter);
  const blindingKeys = await serverKeys.loadOrCreate('blinding', clock.now());
  const seal = new MailSeal(await serverKeys.loadOrCreate('outbox', clock.now()));
  return { refreshTokens, passwords, seal, throttle: new Throttle({ store, clock, log, config, blindingKeys, meter }) };
}

function serverInfoOf({ signupEnabled, emailVerificationRequired, passwordMinLength, passwordMaxLength }: Config) {
  return { version, signupEnabled, emailVerificationRequired, passwordMinLength, passwordMaxLength };
}

interface ServiceDeps {
  readonly config: Config;
  /** The present secret first. */
  readonly secrets: readonly string[];
  readonly store: Store;
  readonly log: Log;
  /** By default nothing is counted. */
  readonly meter?: Meter;
  /** Null: mails wait for a process that has one. */
  readonly mailer?: Mailer | null;
  readonly ownClaims?: OwnClaimsSource | null;
  /** For tests. */
  readonly clocks?: MachineClocks;
}

interface FeedParts extends Pick<ServiceDeps, 'config' | 'store' | 'log' | 'clocks'> {
  readonly clock: Clock;
  readonly uses: SessionUses;
  readonly signingKeys: SigningKeys;
  readonly meter: Meter;
}

function revocationFeedOver({ clocks = thisMachine, signingKeys, ...parts }: FeedParts): RevocationFeed {
  return new RevocationFeed({
    ...parts,
    monotonic: clocks.monotonic,
    wall: clocks.wall,
    readThrough: new ReadThroughCheck(parts),
    onKeysChanged: () => void signingKeys.refresh(),
  });
}

/** Everything of `auth/`, joined together over one store. */
export type AuthServices = Awaited<ReturnType<typeof openServices>>;

/** Throws `SealedKeyError` when the secrets do not open the store's keys, `StoreUnavailableError` when the store does not answer. */
export async function openServices(deps: ServiceDeps) {
  const { config, secrets, store, log, meter = noMeter, mailer = null, ownClaims = null, clocks } = deps;
  const clock = new Clock({ readStoreClock: () => store.readClock(), machine: clocks });
  await clock.synchronize();
  const roles = new RoleBook(config);
  const wrapping = new KeyWrapping(secrets);
  const serverKeys = new ServerKeys({ store, wrapping });
  const { refreshTokens, passwords, seal, throttle } = await withServerKeys({ config, store, clock, log, meter, serverKeys });
  const signingKeys = await SigningKeys.open({ serverKeys, clock, log, config });

  const accessTokens = new AccessTokens({ keys: signingKeys, clock, roles, config });
  const issuer = new TokenIssuer({ accessTokens, refreshTokens, clock, roles, ownClaims });
  const uses = new SessionUses({ store, log });
  const revocations = revocationFeedOver({ store, clock, clocks, uses, signingKeys, meter, log, config });
  const audit = new Audit({ store, clock, log, config });
  const { outbox, mails, notices } = postOver({ store, clock, mailer, seal, throttle, audit, log, meter, config });
  const afterwards = new Afterwards({ log });
  const parts = { store, clock, passwords, throttle, issuer, mails, afterwards, audit, log, roles, config };
  const credentials = credentialsOver(parts);
  const { accounts } = credentials;
  const sessions = new Sessions({ store, clock, roles, audit, throttle, config });
  const viewers = new Viewers({ accessTokens, sessionCheck: revocations, roles, meter });
  const liveViewers = new LiveViewers({ viewers, revocations });
  const sessionEvents = new SessionEvents({ store, clock, log });
  const { deletions, ...forAdministrators } = administrationOver({ ...parts, ...credentials });
  const housekeeping = new Housekeeping(log, choresOf({ store, clock, uses, audit, signingKeys, deletions, revocations, outbox }));
  return {
    ...credentials,
    roles,
    sessions,
    signIns: new SignIns({ store, clock, accounts, issuer, audit, notices, config, meter }),
    refreshes: new Refreshes({ store, clock, refreshTokens, uses, throttle, issuer, notices, audit, log, config, meter }),
    reauthentications: new Reauthentications({ store, clock, accounts, issuer, audit }),
    logouts: new Logouts({ accessTokens, refreshTokens, sessions }),
    viewers,
    liveViewers,
    sessionEvents,
    revocations,
    introspection: new Introspection({ accessTokens, sessionCheck: revocations, roles, config }),
    revocationLog: new RevocationLog({ feed: revocations, roles, config }),
    throttle,
    signingKeys,
    keyAdministration: new KeyAdministration({ store, clock, wrapping, signingKeys, audit, config }),
    ...forAdministrators,
    mails,
    notices,
    outbox,
    audit,
    auditSearch: new AuditSearch({ store }),
    refreshTokens,
    now: () => clock.now(),
    serverInfo: serverInfoOf(config),
    housekeeping,
    /** Removes every session record, sign-up that waits, tally, mail and event of the audit log that is due, also where the database does that by itself, and says how many. */
    purge: (onProgress?: (removed: number) => void) => removeExpired(store, clock, Number.POSITIVE_INFINITY, onProgress),
    flushUses: () => uses.flush(),
    /** Resolves when what was to be done after answers is done. */
    settle: () => afterwards.settle(),
    /** Writes down what is only in memory. The store stays open. */
    close: async () => {
      liveViewers.close();
      await sessionEvents.close();
      await revocations.close();
      await housekeeping.stop();
      await afterwards.settle();
      await notices.settle();
      await throttle.close();
      // Before a mail server is waited for: whoever ends the process then must not find these in memory alone.
      await audit.flush();
      await uses.flush();
      await outbox.close();
      // Mails that were given up meanwhile.
      await audit.close();
    },
  };
}
