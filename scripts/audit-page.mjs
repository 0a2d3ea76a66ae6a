const cell = (text) => text.replaceAll('|', '\\|');

const introduction = `# The audit log

What happened to accounts and to the server's keys, in the store beside them. This page is generated from the table in
\`src/auth/audit-events.ts\`.

## Reading it

| query | for | gives |
|---|---|---|
| \`activity\` | anyone signed in | the events of the own account. Where somebody else acted, who and from where is null |
| \`auditEvents\` | \`audit:read\` | all events, by type, user, session, address and time |
| \`signInStats\` | \`audit:read\` | sign-ins that succeeded, failed and were throttled, in up to 200 spans of time |

\`\`\`graphql
{
  auditEvents(filter: { types: [LOGIN_FAILED, LOGIN_THROTTLED], after: "2026-01-31T00:00:00.000Z" }) {
    nodes { at type count summary ipAddress actor { email } user { email } }
    pageInfo { hasNextPage endCursor }
  }
}
\`\`\`

An event says who acted (\`actor\`; null for the command line, the server itself and somebody who is not known), on whom (\`user\`),
the session, and the address and user agent that it came from. \`summary\` is a sentence for people.

An event holds no password, token, hash or key, and nothing of what a client submitted but its user agent. What somebody typed as a login
is not in it: people type passwords there.

## Before or after

- **before**: the event is written first. When it cannot be written, the act is refused with \`SERVICE_UNAVAILABLE\`. An event may
  then stand for an act that failed in the end; no act is without its event.
- **after**: the act is done and answered, whatever the log does. The event is written in the background at once, and kept in memory (at most
  10,000 of them) while the store does not answer. What does not fit, what a stop cannot write, and what a process holds that is killed,
  is lost; but for the last the server's log says how many.

Events that share a record are counted in it. After a reply of the store that was lost a count may be too high, never too low.

## Events
`;

const rest = `
\`LOGOUT\` is also the event of \`revokeToken\`. A session that a newer sign-in pushes out (\`LATCHKEY_SESSION_LIMIT\`), one that runs out,
and a rotation of signing keys by schedule make no event.

## How long it is kept

For \`LATCHKEY_AUDIT_HISTORY\`, and never shorter than a day. An event's end is set when it is written: a changed setting acts on events
from then on. MongoDB removes what is due by itself, within minutes; on SQLite the server does, every minute, and \`latchkey purge\`.
`;

/** `docs/audit.md` from the table of events. */
export function auditPage(kinds) {
  const lines = Object.entries(kinds).map(
    ([type, { written, about, why }]) => `| ${[`\`${type}\``, about, written, why].map(cell).join(' | ')} |`,
  );
  const table = ['| event | stands for | written | because |', '|---|---|---|---|', ...lines].join('\n');
  return `${introduction}\n${table}\n${rest}`;
}
