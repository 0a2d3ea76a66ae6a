import { beforeAll, expect, it } from '@jest/globals';
import { auditEventKinds } from '../../src/auth/audit-events.js';
import { openStore } from '../../src/store/open.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { AuditEventType, AuditRecord } from '../../src/store/records.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { storeWith } from '../support/factories.js';
import { Mailbox } from '../support/mailbox.js';
import { anAuditQuery } from '../support/records.js';
import { type GraphQLAnswer, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

interface Client {
  readonly email: string;
  readonly accountId: string;
  readonly sessionId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

describeStores('An audit log that cannot be written', (database) => {
  let isDown = false;
  let store: Store;
  let server: TestServer;
  let admin: Client;
  let mailbox: Mailbox;
  /** By address: the one-time token that an act is prepared with. */
  const tokens = new Map<string, string>();
  let people = 0;
  beforeAll(async () => {
    store = await database.open();
    const open = async (url: string) => {
      const opened = await openStore(url);
      const failing = <Args extends unknown[]>(verb: (...args: Args) => Promise<void>) => {
        return async (...args: Args): Promise<void> => {
          if (isDown) throw new StoreUnavailableError(new Error('the log is down'));
          await verb(...args);
        };
      };
      return storeWith(opened, {
        appendAudit: failing((events) => opened.appendAudit(events)),
        countAudit: failing((event) => opened.countAudit(event)),
      });
    };
    mailbox = new Mailbox();
    server = await startServer(database.url, { LATCHKEY_SESSION_BINDING: 'agent', LATCHKEY_REFRESH_GRACE: '0s' }, open, mailbox);
    admin = await signUp();
    await server.app.services.accounts.grantRole(admin.email, 'admin');
  });

  async function signUp(): Promise<Client> {
    people += 1;
    const email = `logged${people}@example.com`;
    const { data } = await post(server.url, signupMutation, { input: { email, password: goodPassword } });
    const { user, session, accessToken, refreshToken } = data.signup.auth;
    return { email, accountId: user.id, sessionId: session.id, accessToken, refreshToken };
  }
  const events = async ({ accountId }: Pick<Client, 'accountId'>): Promise<readonly AuditRecord[]> =>
    (await store.listAudit(anAuditQuery({ accountId }), { limit: 100, after: null })).rows;
  const ofKeys = async (type: AuditEventType) => (await store.listAudit(anAuditQuery({ types: [type] }), { limit: 100, after: null })).rows;
  const isAlive = async ({ accessToken }: Client) => (await post(server.url, meQuery, {}, { token: accessToken })).errors.length === 0;
  const as = (client: Client, query: string, variables: object = {}) => post(server.url, query, variables, { token: client.accessToken });
  /** The code of an operation's refusal, or OK. */
  const outcome = async (answer: GraphQLAnswer | Promise<GraphQLAnswer>) => {
    const { errors } = await answer;
    return errors.length === 0 ? 'OK' : errors[0]?.extensions.code;
  };
  const outcomeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'OK',
      (error: { code?: string }) => error.code,
    );

  interface Act {
    readonly prepare?: (client: Client) => Promise<void>;
    /** What the caller is told; `OK` where it is done. */
    readonly act: (client: Client) => Promise<unknown>;
    /** Whether it was done. */
    readonly isDone: (client: Client) => Promise<boolean>;
  }
  const ended = async (client: Client) => !(await isAlive(client));
  const exists = async (email: string) => (await store.findAccountByEmail(email)) !== null;
  const newPassword = 'another good passphrase';
  const hasPasswordChanged = async ({ accountId }: Client) => (await store.findAccount(accountId))?.passwordChangedAt !== null;
  const addressOf = async ({ accountId }: Client) => (await store.findAccount(accountId))?.email;
  const token = ({ email }: Client) => tokens.get(email) ?? '';
  const startEmailChange = async (client: Client) => {
    await calls.changeEmail(server.url, [`other.${client.email}`, goodPassword], client.accessToken);
    tokens.set(client.email, await mailbox.token(`other.${client.email}`, 'verify-email'));
    await mailbox.next(client.email);
  };
  const acts: Partial<Record<AuditEventType, Act>> = {
    PASSWORD_CHANGED: {
      act: ({ accessToken }) => outcome(calls.changePassword(server.url, [goodPassword, newPassword], accessToken)),
      isDone: hasPasswordChanged,
    },
    PASSWORD_RESET: {
      prepare: async ({ email }) => {
        await calls.requestPasswordReset(server.url, [email]);
        tokens.set(email, await mailbox.token(email, 'reset-password'));
      },
      act: (client) => outcome(calls.resetPassword(server.url, [token(client), newPassword])),
      isDone: hasPasswordChanged,
    },
    EMAIL_VERIFIED: {
      prepare: async ({ email }) => {
        await calls.requestEmailVerification(server.url, [email]);
        tokens.set(email, await mailbox.token(email, 'verify-email'));
      },
      act: (client) => outcome(calls.verifyEmail(server.url, [token(client)])),
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.emailVerified ?? false,
    },
    EMAIL_CHANGED: {
      prepare: startEmailChange,
      act: (client) => outcome(calls.verifyEmail(server.url, [token(client)])),
      isDone: async (client) => (await addressOf(client)) !== client.email,
    },
    EMAIL_CHANGE_REVERTED: {
      prepare: async (client) => {
        await startEmailChange(client);
        await calls.verifyEmail(server.url, [token(client)]);
        tokens.set(client.email, await mailbox.token(client.email, 'revert-email-change'));
      },
      act: (client) => outcome(calls.revertEmailChange(server.url, [token(client)])),
      isDone: async (client) => (await addressOf(client)) === client.email,
    },
    USERNAME_CHANGED: {
      act: ({ accessToken, email }) => outcome(calls.changeUsername(server.url, [`U${email.split('@')[0]}`], accessToken)),
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.username !== null,
    },
    PASSWORD_RESET_REQUESTED: {
      act: async ({ email }) => {
        const told = await outcome(calls.requestPasswordReset(server.url, [email]));
        await mailbox.token(email, 'reset-password');
        return told;
      },
      isDone: async () => true,
    },
    EMAIL_VERIFICATION_REQUESTED: {
      act: async ({ email }) => {
        const told = await outcome(calls.requestEmailVerification(server.url, [email]));
        await mailbox.token(email, 'verify-email');
        return told;
      },
      isDone: async () => true,
    },
    SIGNUP: {
      act: ({ email }) => outcome(post(server.url, signupMutation, { input: { email: `new.${email}`, password: goodPassword } })),
      isDone: ({ email }) => exists(`new.${email}`),
    },
    LOGIN: {
      act: async ({ email }) => {
        const answer = await post(server.url, loginMutation, { input: { login: email, password: goodPassword } });
        expect(answer.text.includes('lk_rt_')).toBe(!isDown);
        return outcome(answer);
      },
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.signInCount !== 1,
    },
    SESSION_REVOKED: {
      act: (client) => outcome(as(client, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id: client.sessionId })),
      isDone: ended,
    },
    SESSIONS_REVOKED: { act: (client) => outcome(as(client, 'mutation { revokeAllSessions { count } }')), isDone: ended },
    ROLES_CHANGED: {
      act: ({ email }) => outcomeOf(server.app.services.accounts.grantRole(email, 'support')),
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.roles.includes('support') ?? false,
    },
    ACCOUNT_CREATED: {
      act: ({ email }) => {
        const input = { email: `made.${email}`, password: goodPassword, roles: [], emailVerified: false };
        return outcomeOf(server.app.services.accounts.create(input));
      },
      isDone: ({ email }) => exists(`made.${email}`),
    },
    ACCOUNT_DISABLED: {
      act: ({ accountId }) => outcome(as(admin, 'mutation ($id: ID!) { disableUser(userId: $id) { id } }', { id: accountId })),
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.disabled !== null,
    },
    ACCOUNT_ENABLED: {
      prepare: async ({ accountId }) => {
        const at = Date.now();
        await store.disableAccount(accountId, { at, until: null, reason: null }, { at, reason: 'ACCOUNT_DISABLED', by: null });
      },
      act: ({ accountId }) => outcome(as(admin, 'mutation ($id: ID!) { enableUser(userId: $id) { id } }', { id: accountId })),
      isDone: async ({ accountId }) => (await store.findAccount(accountId))?.disabled === null,
    },
    ACCOUNT_DELETED: {
      act: ({ accountId }) => outcome(as(admin, 'mutation ($id: ID!) { deleteUser(userId: $id) }', { id: accountId })),
      isDone: async ({ accountId }) => (await store.findAccount(accountId)) === null,
    },
    REAUTHENTICATED: {
      act: (client) => outcome(as(client, 'mutation ($p: String!) { reauthenticate(password: $p) { accessToken } }', { p: goodPassword })),
      isDone: async ({ sessionId }) => {
        const session = await store.findSession(sessionId);
        return session?.authenticatedAt !== session?.createdAt;
      },
    },
    SIGNING_KEY_ROTATED: {
      act: () => outcomeOf(server.app.services.keyAdministration.rotate()),
      isDone: async () => (await store.listKeys()).filter(({ purpose }) => purpose === 'signing').length > 1,
    },
    SIGNING_KEY_REVOKED: {
      act: async () => outcomeOf(server.app.services.keyAdministration.revoke(server.app.services.signingKeys.current().kid)),
      isDone: async () => (await store.listKeys()).some(({ revokedAt }) => revokedAt !== null),
    },
    LOGIN_FAILED: {
      act: ({ email }) => outcome(post(server.url, loginMutation, { input: { login: email, password: 'not the password' } })),
      isDone: async () => true,
    },
    LOGOUT: { act: (client) => outcome(as(client, 'mutation { logout }')), isDone: ended },
    REFRESH_REUSED: {
      act: async ({ refreshToken }) => {
        await post(server.url, refreshMutation, { token: refreshToken });
        return outcome(post(server.url, refreshMutation, { token: refreshToken }));
      },
      isDone: ended,
    },
    BINDING_MISMATCH: {
      act: ({ refreshToken }) =>
        outcome(post(server.url, refreshMutation, { token: refreshToken }, { headers: { 'user-agent': 'curl/8.0' } })),
      isDone: ended,
    },
  };
  const answers: Partial<Record<AuditEventType, string>> = {
    LOGIN_FAILED: 'INVALID_CREDENTIALS',
    LOGOUT: 'OK',
    PASSWORD_RESET_REQUESTED: 'OK',
    EMAIL_VERIFICATION_REQUESTED: 'OK',
    REFRESH_REUSED: 'REFRESH_TOKEN_REUSED',
    BINDING_MISMATCH: 'SESSION_REVOKED',
  };
  const typesWritten = (when: 'before' | 'after') =>
    (Object.keys(acts) as AuditEventType[]).filter((type) => auditEventKinds[type].written === when);

  it.each(typesWritten('before'))('stops the act of %s, which changes nothing then', async (type) => {
    const { prepare, act, isDone } = acts[type] as Act;
    const client = await signUp();
    await prepare?.(client);
    await server.app.services.audit.flush();
    const before = [await events(client), await ofKeys(type)];
    isDown = true;
    expect(await act(client)).toBe('SERVICE_UNAVAILABLE');
    isDown = false;
    expect(await isDone(client)).toBe(false);
    expect([await events(client), await ofKeys(type)]).toEqual(before);
    expect(await act(client)).toBe('OK');
    expect((await ofKeys(type)).length).toBe((before[1]?.length ?? 0) + 1);
  });

  it.each(typesWritten('after'))('does not stop the act of %s, whose event comes when it can be written again', async (type) => {
    const { act, isDone } = acts[type] as Act;
    const client = await signUp();
    isDown = true;
    expect(await act(client)).toBe(answers[type]);
    expect(await isDone(client)).toBe(true);
    await server.app.services.audit.flush();
    // Within one millisecond the id decides which is first.
    expect((await events(client)).map((event) => event.type).sort()).toEqual(['LOGIN', 'SIGNUP']);
    isDown = false;
    await server.app.services.audit.flush();
    expect((await events(client)).map((event) => event.type).sort()).toEqual([type, 'LOGIN', 'SIGNUP'].sort());
    expect(server.log()).toContain('events of the audit log could not be written');
  });

  it('stops an end of many sessions before any of them ends', async () => {
    const { bulkRevocations } = server.app.services;
    const clients = [await signUp(), await signUp()];
    const run = () => bulkRevocations.run({ filter: { ids: clients.map(({ sessionId }) => sessionId) }, by: null, dryRun: false });
    isDown = true;
    expect(await outcomeOf(run())).toBe('SERVICE_UNAVAILABLE');
    expect(await outcomeOf(bulkRevocations.endAllOf(clients[0]?.accountId ?? '', null))).toBe('SERVICE_UNAVAILABLE');
    isDown = false;
    for (const client of clients) expect(await isAlive(client)).toBe(true);
    expect((await run()).count).toBe(2);
    for (const client of clients) {
      expect((await events(client))[0]).toMatchObject({ type: 'SESSIONS_REVOKED', actorId: null, sessionId: client.sessionId });
    }
  });
});
