const cell = (text) => text.replaceAll('|', '\\|');
const asCode = (text) => (/[` ]|^none$/.test(text) ? text : `\`${text}\``);

const introduction = `# Configuration

Every setting is an environment variable, and every one has a default. This page is generated from the table in \`src/config.ts\`.

An empty variable counts as not set. Faulty settings refuse the start: the server exits with a code other than 0 and names every
faulty variable on standard error, never a value. A variable that begins with \`LATCHKEY_\` and is not listed here is ignored, and
the start says so. No \`.env\` file is read by itself; \`node --env-file=.env dist/main.js\` reads one, and so do most process managers.

## Notation

| kind | how it is written | examples |
|---|---|---|
| duration | a whole number and a unit: \`s\`, \`m\`, \`h\`, \`d\` or \`y\` (365.25 days); \`0\` needs no unit | \`30s\`, \`15m\`, \`1h\`, \`7d\`, \`1y\` |
| size | a whole number and a unit: \`b\`, \`kb\` (1024 bytes) or \`mb\` | \`500b\`, \`100kb\`, \`1mb\` |
| list | items separated by commas; spaces around an item do not count | \`10.0.0.0/8, 192.168.1.5\` |
| switch | \`on\` or \`off\` | \`on\` |

**From a file.** The settings marked with † may also come from a file: set the variable's name with \`_FILE\` added to the file's path,
as container secrets are mounted. A single line break at the end of the file is not part of the value. Setting both is refused.

## Settings
`;

const production = `
† also as \`_FILE\`.

## Production

\`NODE_ENV=production\` turns the quick start off:

- \`LATCHKEY_SECRET\` and \`LATCHKEY_PUBLIC_URL\` are required, and the public URL must be https.
- \`LATCHKEY_BCRYPT_COST\` must be at least 10.
- \`LATCHKEY_INTROSPECTION\` is off unless it is set; validation errors then name no field and no type.
- \`LATCHKEY_SANDBOX\` is off unless it is set.
- Without \`LATCHKEY_SMTP_URL\` mails wait in the outbox and are given up after a day; the start says so.
- SQLite is allowed. Several servers on several machines need MongoDB.

Outside production the start prints what is unsafe about the settings in force.

## The file

\`LATCHKEY_CONFIG_FILE\` names a JSON file. [\`schema/config.schema.json\`](../schema/config.schema.json) describes it, for editors too.

\`\`\`json
{
  "$schema": "./config.schema.json",
  "roles": {
    "member": [],
    "helpdesk": ["users:read", "sessions:read", "sessions:revoke"],
    "owner": ["users:read", "users:write", "sessions:read", "sessions:revoke", "audit:read"]
  },
  "defaultRole": "member",
  "notices": { "newDevice": false }
}
\`\`\`

- \`roles\` takes the place of the built-in roles: \`user\` (nothing), \`support\` (\`users:read\`, \`sessions:read\`) and \`admin\` (everything). At most
  100, each with a name of 1 to 32 of a-z, 0-9, \`-\` and \`_\`.
- \`defaultRole\` is the role of every new account, \`user\` unless it is set. It must be one of the roles, and may hold neither \`users:write\` nor
  \`sessions:revoke\`. Where it holds anything and sign-up is open, the start says so.
- One role at least must hold \`users:write\`: else nobody could ever grant one.
- \`notices\` switches off what people are told by mail without having asked: \`newDevice\`, \`passwordChanged\`, \`emailChanged\`,
  \`reuseDetected\`. Each is on unless it is \`false\`; [what each is](operations.md#mail).

The file is read at the start; give every server the same one, and restart them for a change. A role that an account holds and the file does not
know allows nothing. A file that is no JSON, names a member twice or has one that is not listed here refuses the start, by line and column.

## The secret

\`LATCHKEY_SECRET\` opens the keys that the store keeps encrypted. Neither the secret nor a copy of the database suffices alone. Lose the
secret, and the server cannot start on that database again: keep a copy where you keep other secrets.

To replace it, on one server or many:

1. Add the new secret to \`LATCHKEY_PREVIOUS_SECRETS\` and restart every server: each can now open the keys with either.
2. Make the new secret \`LATCHKEY_SECRET\`, move the old one to \`LATCHKEY_PREVIOUS_SECRETS\`, and restart every server again.
3. Remove the old one, and restart.
4. Run \`latchkey keys rewrap --yes\`. Until then the old secret still opens what was wrapped under it: the store keeps each key under every
   secret that it was opened with. A copy of the database that was taken before keeps those wrappings.
`;

/** `docs/configuration.md` from the rows of the settings table. */
export function configurationPage(rows) {
  const lines = rows.map(({ env, defaultText, bounds, about, secret }) =>
    [`\`${env}\`${secret ? ' †' : ''}`, asCode(defaultText), bounds, about].map(cell).join(' | '),
  );
  const table = ['| variable | default | bounds | meaning |', '|---|---|---|---|', ...lines.map((line) => `| ${line} |`)];
  return `${introduction}\n${table.join('\n')}\n${production}`;
}

/** A default that can be written as it stands. The others are described and left empty. */
const literal = (text) => (/^(?!none$)[\w.:/,-]+$/.test(text) ? text : '');

/** `.env.example`: every setting with its default, commented out. */
export function environmentExample(rows) {
  const entries = rows.map(({ env, defaultText, about, secret }) => {
    const value = literal(defaultText);
    const described = value === '' ? ` Default: ${defaultText.replaceAll('`', '')}.` : '';
    const file = secret ? ` Or ${env}_FILE.` : '';
    return `# ${about}${described}${file}\n#${env}=${value}\n`;
  });
  return `# Every setting with its default. docs/configuration.md has bounds and notation. Made by \`npm run docs\`.\n\n${entries.join('\n')}`;
}
