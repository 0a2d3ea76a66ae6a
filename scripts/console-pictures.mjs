import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const password = 'correct horse battery';
const root = 'root@example.com';
const people = ['ada', 'grace', 'edsger', 'barbara', 'alan'].map((name) => `${name}@example.com`);
const agents = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  curl: 'curl/8.14.1',
};

/** Some people on some devices, and some refusals. Gives the id of the first. */
async function populate({ origin, latchkey }) {
  const ask = async (query, variables, agent = agents.firefox) => {
    const headers = { 'content-type': 'application/json', 'user-agent': agent };
    return (await fetch(`${origin}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })).json();
  };
  const signUp = 'mutation ($input: SignupInput!) { signup(input: $input) { auth { user { id } } } }';
  const signIn = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
  const ids = [];
  for (const email of [root, ...people]) {
    const { data } = await ask(signUp, { input: { email, password, username: email.split('@')[0] } });
    ids.push(data.signup.auth.user.id);
    await ask(signIn, { input: { login: email, password } }, agents.iphone);
  }
  await ask(signIn, { input: { login: people[0], password } }, agents.curl);
  for (const wrong of ['hunter2', 'hunter3', 'hunter4']) await ask(signIn, { input: { login: people[1], password: wrong } });
  latchkey('user', 'grant', root, 'admin');
  latchkey('user', 'grant', people[2], 'support');
  return ids[1];
}

const entries = [
  { name: 'sign-in', path: '', title: 'Sign in' },
  { name: 'sign-up', path: '/sign-up', title: 'Sign up' },
  { name: 'forgotten', path: '/forgotten', title: 'Forgotten password' },
  { name: 'check-mail', path: '/check-mail', title: 'Check your mail' },
];
const views = (userId) => [
  { name: 'sessions', path: '', title: 'Your sessions' },
  { name: 'activity', path: '/activity', title: 'Activity' },
  { name: 'account', path: '/account', title: 'Account' },
  { name: 'users', path: '/users', title: 'Users' },
  { name: 'user', path: `/users/${userId}`, title: people[0] },
  { name: 'all-sessions', path: '/all-sessions', title: 'All sessions' },
  { name: 'audit', path: '/audit', title: 'Audit log' },
  { name: 'sandbox', path: '/sandbox', title: 'Sandbox' },
];
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
/** Those of the manual, from the wide and light ones. */
const kept = ['sessions', 'all-sessions', 'audit', 'dry-run'];

/** Every view, light and dark, wide and narrow, into `folder`; some also into the manual. */
export async function takeConsolePictures({ browser, server, ConsolePage, pictureOf, keep, folder }) {
  const userId = await populate(server);
  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries(sizes)) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      const own = new ConsolePage(page);
      const take = async (name, fullPage = true) => {
        const picture = await pictureOf(page, { fullPage });
        writeFileSync(join(folder, `${name}-${colorScheme}-${size}.png`), picture);
        if (colorScheme === 'light' && size === 'wide' && kept.includes(name)) keep(await pictureOf(page), `console-${name}`);
      };
      const show = async ({ name, path, title }) => {
        await page.goto(`${server.origin}/console${path}`);
        await own.shows(title);
        await own.loaded();
        if (name === 'sandbox') await page.locator('.graphiql-query-editor .view-line').first().waitFor();
        await take(name);
      };
      for (const entry of entries) await show(entry);
      await page.goto(`${server.origin}/console`);
      await own.signIn({ email: root, password });
      await own.shows('Your sessions');
      for (const view of views(userId)) await show(view);
      await page.goto(`${server.origin}/console/all-sessions?user=${userId}`);
      await own.rows('All sessions').first().waitFor();
      await own.press('End all that fit …');
      await page.getByText(/would be ended/).waitFor();
      await take('dry-run', false);
      await context.close();
    }
  }
  console.log(`All views of the console: ${folder}`);
}
