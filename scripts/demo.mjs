// npm run demo [-- URL]: walks through sign-up, refresh, sessions and their end, and checks what it says of each answer. Without a URL it
// starts the build with a data folder of its own, which it removes again.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DemoClient, DemoError, notice, say, sayTitle } from './demo-client.mjs';
import { startServer } from './demo-server.mjs';

const timeLimitMs = 60_000;
const laptop = { name: 'laptop', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const phone = {
  name: 'telephone',
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
};

const tokens = '{ accessToken refreshToken session { id refreshCount } }';
const signup = `mutation ($input: SignupInput!) { signup(input: $input) { emailVerificationRequired auth ${tokens} } }`;
const login = `mutation ($input: LoginInput!) { login(input: $input) ${tokens} }`;
const refresh = `mutation ($token: String) { refreshToken(token: $token) ${tokens} }`;
const me = '{ me { id email roles } }';
const sessions = '{ sessions { totalCount nodes { id isCurrent state device { label } } } }';
const revokeSession = 'mutation ($id: ID!) { revokeSession(id: $id) { id state revocationReason } }';
const logout = 'mutation { logout }';

/** The whole walk. Throws `DemoError` at the first answer that is not as told. */
async function walk(client, { graceMs }) {
  const person = await newPerson(client);

  sayTitle('1. Sign up');
  const signedUp = await client.ask(signup, { variables: { input: person }, device: laptop });
  const first = signedUp.data?.signup?.auth;
  if (signedUp.error !== undefined) throw new DemoError(`The server refuses a sign-up: ${signedUp.error.code}`);
  if (first === null) throw new DemoError('The server wants the address verified first: the demo cannot read mail.');
  notice(first.session.refreshCount === 0, 'One request makes the account, signs it in, and opens a session of generation 0.');

  sayTitle('2. Who am I?');
  const self = await client.ask(me, { accessToken: first.accessToken, device: laptop });
  notice(self.data?.me?.email === person.email, 'The access token tells who asks.');

  const { latest, supersededAt } = await walkRefreshes(client, first);
  await walkTwoSessions(client, person, latest);
  if (graceMs === undefined)
    say('\nReuse of an old refresh token is shown only where the demo starts the server: the grace must pass first.');
  else await walkReuse(client, first, latest, supersededAt + graceMs);
  await walkLogout(client, person);
}

/** Checks that the server takes sign-ups, and makes up somebody whom it does not know. */
async function newPerson(client) {
  const { data } = await client.ask('{ serverInfo { signupEnabled passwordMaxLength } }', { silent: true });
  if (data === null) throw new DemoError(`${client.url} does not answer like a Latchkey server.`);
  if (!data.serverInfo.signupEnabled) throw new DemoError('The server has its sign-up closed: the demo needs an account of its own.');
  return { email: `demo-${randomBytes(6).toString('hex')}@example.com`, password: randomBytes(24).toString('base64url') };
}

async function walkRefreshes(client, first) {
  sayTitle('3. Refresh');
  const second = await refreshed(client, first.refreshToken);
  const supersededAt = Date.now();
  notice(second.session.refreshCount === 1, 'The refresh token was used, and replaced: generation 1 of the same session.');
  notice(second.session.id === first.session.id && second.refreshToken !== first.refreshToken, 'The session stayed, the token did not.');

  sayTitle('4. Two tabs refresh at once, with the same token');
  const [tab, otherTab] = await Promise.all([refreshed(client, second.refreshToken), refreshed(client, second.refreshToken)]);
  notice(tab.refreshToken === otherTab.refreshToken, 'Both tabs get the same successor, and nobody is signed out.');
  notice(tab.session.refreshCount === 2, 'The session went on by one generation, not by two.');
  return { latest: tab, supersededAt };
}

async function refreshed(client, token) {
  const { data, error } = await client.ask(refresh, { variables: { token }, device: laptop });
  if (error === undefined) return data.refreshToken;
  const hint = error.code === 'REFRESH_TOKEN_REUSED' ? ' Does the server have a grace of 0?' : '';
  throw new DemoError(`A refresh that should have been answered was refused: ${error.code}.${hint}`);
}

async function walkTwoSessions(client, person, latest) {
  sayTitle('5. Sign in on a telephone, too');
  const other = await client.ask(login, { variables: { input: credentialsOf(person) }, device: phone });
  const second = other.data?.login;
  notice(second !== undefined && second.session.id !== latest.session.id, 'A second sign-in is a second session.');

  sayTitle('6. Where am I signed in?');
  const list = await client.ask(sessions, { accessToken: latest.accessToken, device: laptop });
  const rows = list.data?.sessions?.nodes ?? [];
  const labels = rows.map(({ device, isCurrent }) => `${device.label}${isCurrent ? ' (this one)' : ''}`);
  notice(rows.length === 2 && rows.filter(({ isCurrent }) => isCurrent).length === 1, `Both are listed: ${labels.join(', ')}.`);

  sayTitle('7. End the one on the telephone, from the laptop');
  const ended = await client.ask(revokeSession, {
    variables: { id: second.session.id },
    accessToken: latest.accessToken,
    device: laptop,
  });
  notice(ended.data?.revokeSession?.state === 'REVOKED', 'The session is over, and keeps the reason.');

  sayTitle("8. The telephone's next requests");
  const refused = await client.ask(me, { accessToken: second.accessToken, device: phone });
  notice(
    refused.error?.code === 'UNAUTHENTICATED' && refused.error.reason === 'REVOKED',
    'Its access token is refused at once, not when it expires.',
  );
  const dead = await client.ask(refresh, { variables: { token: second.refreshToken }, device: phone });
  notice(
    dead.error?.code === 'SESSION_REVOKED' && dead.error.reason === 'REVOKED_BY_USER',
    'Its refresh token is refused, and the reason says who did it.',
  );
}

async function walkReuse(client, first, latest, graceEndsAt) {
  sayTitle('9. A stolen copy: the first refresh token again, after the grace');
  // The server's instant lies before the moment at which its answer was here; the margin is for the rounding of clocks.
  await delay(Math.max(0, graceEndsAt + 100 - Date.now()), undefined, { signal: client.signal });
  const reused = await client.ask(refresh, { variables: { token: first.refreshToken }, device: phone });
  notice(reused.error?.code === 'REFRESH_TOKEN_REUSED', 'Two parties hold the session, so it is ended for safety.');
  const victim = await client.ask(me, { accessToken: latest.accessToken, device: laptop });
  notice(victim.error?.reason === 'REVOKED', 'It is over for both: whoever holds the newest token has to sign in again.');
}

async function walkLogout(client, person) {
  sayTitle('10. Sign in again, and log out');
  const again = await client.ask(login, { variables: { input: credentialsOf(person) }, device: laptop });
  const accessToken = again.data?.login?.accessToken;
  notice(accessToken !== undefined, 'The password opens a new session.');
  const out = await client.ask(logout, { accessToken, device: laptop });
  notice(out.data?.logout === true, 'Logging out ends it.');
  const after = await client.ask(me, { accessToken, device: laptop });
  notice(after.error?.code === 'UNAUTHENTICATED' && after.error.reason === 'REVOKED', 'Its access token is refused from then on.');
}

const credentialsOf = ({ email, password }) => ({ login: email, password });

/** Throws `DemoError` for what is no URL that can be asked, and for one with credentials, which would be printed. */
function checkedUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new DemoError(`Not an http or https URL: ${text}`);
  if (url.username !== '' || url.password !== '') throw new DemoError('The URL must not hold a user name or a password.');
  return url.href;
}

/** Gives up after a minute, which is many times what it takes. */
async function walkWithinLimit(url, interruption, options) {
  const timer = setTimeout(() => interruption.abort(new DemoError('It took more than a minute.')), timeLimitMs);
  try {
    await walk(new DemoClient(url, interruption.signal), options);
  } finally {
    clearTimeout(timer);
  }
}

async function main(argument) {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interruption.abort(new DemoError('Interrupted.')));
  if (argument !== undefined) {
    const url = checkedUrl(argument);
    say(`Latchkey demo on ${url}. It makes an account there, demo-...@example.com, and leaves it behind.`);
    return walkWithinLimit(url, interruption, {});
  }
  const server = await startServer();
  try {
    say(`Latchkey demo on ${server.url}, a server of its own that is gone afterwards. Its grace is one second.`);
    await walkWithinLimit(server.url, interruption, { graceMs: 1_000 });
  } finally {
    await server.stop();
  }
}

try {
  await main(process.argv[2]);
  say('\nAll was as told.');
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
