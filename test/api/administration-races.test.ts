import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { type ServerProcess, startProcess } from '../support/processes.js';
import { post } from '../support/requests.js';
import { testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const demotions = [
  'mutation ($id: ID!) { setUserRoles(userId: $id, roles: ["support"]) { id } }',
  'mutation ($id: ID!) { disableUser(userId: $id) { id } }',
  'mutation ($id: ID!) { deleteUser(userId: $id) }',
];

describeStores('Administrators who take the right to grant roles away in two processes at once', (database) => {
  // A round takes seconds on the server that stands in for MongoDB here.
  const rounds = database.kind === 'sqlite' ? 50 : 12;
  let nodes: [ServerProcess, ServerProcess];
  let store: Store;
  beforeAll(async () => {
    const environment = testEnvironment(database.url);
    nodes = [await startProcess(environment), await startProcess(environment)];
    store = await database.open();
  });

  const administrators = async () => {
    const query = { search: null, role: 'admin', disabled: false, emailVerified: null, now: Date.now() };
    return (await store.listAccounts(query, { limit: 100, after: null })).rows;
  };
  const grant = async (id: string, roles: string[]) =>
    store.setRoles(id, (await store.findAccount(id))?.rightsVersion ?? 0, roles, Date.now());
  /** Signed in through its node after it was made an administrator. */
  const anAdministrator = async (node: ServerProcess): Promise<Person> => {
    const person = await aPerson(node.url);
    await grant(person.id, ['admin']);
    return { ...person, token: (await signIn(node.url, person)).data.login.accessToken };
  };

  it('always leave at least one: each the other, or each themselves', async () => {
    const outcomes: Record<string, number> = {};
    for (let round = 0; round < rounds; round += 1) {
      const [here, there] = nodes;
      const [ada, eve] = [await anAdministrator(here), await anAdministrator(there)];
      const isMutual = round % 2 === 0;
      const act = (first: number) => demotions[(round + first) % demotions.length] ?? '';
      const answers = await Promise.all([
        post(here.url, act(0), { id: isMutual ? eve.id : ada.id }, { token: ada.token }),
        post(there.url, act(1), { id: isMutual ? ada.id : eve.id }, { token: eve.token }),
      ]);
      const left = await administrators();
      expect(left.length).toBeGreaterThanOrEqual(1);
      for (const { errors } of answers) {
        const { code = 'done', reason } = errors[0]?.extensions ?? {};
        const outcome = [code, reason].filter(Boolean).join(' ');
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
      for (const { id } of left) await grant(id, ['user']);
    }
    process.stdout.write(`the last administrator (${database.kind}): ${rounds} rounds, ${JSON.stringify(outcomes)}\n`);
    expect(outcomes.done).toBe(rounds);
    expect(Object.keys(outcomes).sort()).toEqual(expect.not.arrayContaining(['SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR', 'NOT_FOUND']));
  }, 600_000);
});
