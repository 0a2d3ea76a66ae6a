// The pages that links in mails lead to, until an application has its own. The token comes in the fragment, which no server sees; it is taken
// out of the address bar at once, and kept in this script alone. Nothing is done before somebody asks for it: programs that look through
// mails open links too.

const fragment = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, '', location.pathname);
const token = fragment.get('token') ?? '';

const actions = {
  'reset-password': {
    document: 'mutation ($token: String!, $newPassword: String!) { resetPassword(input: { token: $token, newPassword: $newPassword }) }',
    done: 'The password is set, and every session was ended. You can sign in with it now.',
  },
  'verify-email': {
    document: 'mutation ($token: String!) { verifyEmail(token: $token) }',
    done: 'The address is confirmed. You can close this page.',
  },
  revert: {
    title: 'Take the address back',
    document: 'mutation ($token: String!) { revertEmailChange(token: $token) }',
    done: 'The address is yours again, and every session was ended. You get a mail to choose a new password.',
  },
};
const { page } = document.body.dataset;
const action = actions[page === 'verify-email' && fragment.get('purpose') === 'revert' ? 'revert' : page];

/** Where a link that is not good any more can be had again: for an address by signing in, which says so where it is not verified. */
const waysToAnother = { 'reset-password': { href: 'console/forgotten', text: 'Ask for another link' } };

const failures = {
  ONE_TIME_TOKEN_INVALID: 'This link is not good any more: it was used, it is too old, or a newer one was asked for. Ask for another.',
  EMAIL_TAKEN:
    'The address has another account by now. Nothing was changed, and this link stays good: sign in to that account, or ask for a new password.',
  RATE_LIMITED: 'Too many attempts. Wait a while and try again.',
  ACCOUNT_DISABLED: 'This account is disabled.',
};
const passwordFaults = {
  TOO_SHORT: 'It is too short.',
  TOO_LONG: 'It is too long.',
  COMMON: 'It is one of the most used passwords.',
  SAME_AS_LOGIN: 'It is the address or username.',
};

const form = document.querySelector('form');
const status = document.getElementById('status');
const button = form.querySelector('button');
const say = (text) => {
  status.textContent = text;
};

/** Shows the way to the console, where the server has one. */
function leadOn({ href, text } = {}) {
  const line = document.querySelector('[data-console]');
  if (line === null) return;
  const link = line.querySelector('a');
  if (href !== undefined) {
    link.setAttribute('href', href);
    link.textContent = text;
  }
  line.hidden = false;
}

/** Whether it is done, or the errors that say why not. Throws when no answer of the API comes. */
async function call(variables) {
  const response = await fetch('graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: action.document, variables }),
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
  const { data, errors = [] } = await response.json();
  return { isDone: response.ok && errors.length === 0 && Object.values(data ?? {}).includes(true), errors };
}

function failureText({ code, reasons, reason }) {
  if (code !== 'WEAK_PASSWORD') return failures[code] ?? 'That did not work. Try again later.';
  const faults = [reasons ?? reason ?? []].flat().map((fault) => passwordFaults[fault] ?? '');
  return ['Choose another password.', ...faults].join(' ').trim();
}

async function submit(event) {
  event.preventDefault();
  const entered = new FormData(form);
  const newPassword = entered.get('password');
  if (newPassword !== entered.get('repeated')) return say('The two passwords differ.');
  button.disabled = true;
  say('One moment.');
  try {
    const { isDone, errors } = await call(newPassword === null ? { token } : { token, newPassword });
    if (isDone) {
      form.reset();
      form.hidden = true;
      say(action.done);
      leadOn();
    } else {
      const details = errors[0]?.extensions ?? {};
      say(failureText(details));
      if (details.code === 'ONE_TIME_TOKEN_INVALID') leadOn(waysToAnother[page]);
    }
  } catch {
    say('The server cannot be reached. Try again later.');
  }
  button.disabled = false;
}

if (action.title !== undefined) {
  document.title = action.title;
  document.querySelector('h1').textContent = action.title;
  button.textContent = action.title;
}
if (token === '') {
  say('This link is not complete. Open it from the mail once more.');
} else {
  form.hidden = false;
  form.addEventListener('submit', submit);
}
