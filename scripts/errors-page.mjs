const introduction = `# Errors

Every error of the API has one of the codes below in \`extensions.code\`. The text is fixed for each code; nothing that a caller sent is
ever repeated in it. This page is generated from the table in \`src/auth/errors.ts\`; the schema has the codes as the enum
\`AuthErrorCode\`, and \`serverInfo { errorCodes }\` lists them.

\`\`\`json
{
  "errors": [
    {
      "message": "The session was ended.",
      "path": ["refreshToken"],
      "extensions": {
        "code": "SESSION_REVOKED",
        "reason": "REVOKED_BY_USER",
        "at": "2026-01-31T12:00:00.000Z",
        "sessionId": "5f0c...",
        "requestId": "8a1e..."
      }
    }
  ]
}
\`\`\`

## Fields of \`extensions\`

| field | what it holds | when |
|---|---|---|
| \`code\` | one of the codes below | always |
| \`requestId\` | the request's id, as in the header \`X-Request-Id\` and in the server's log | always |
| \`reason\` | why, as a word that does not change | where the code has reasons |
| \`at\` | when it happened, an ISO 8601 instant | where something ended |
| \`field\` | the argument or input field at fault | where one value is at fault |
| \`retryAfter\` | seconds after which repeating makes sense, at least 1 | \`RATE_LIMITED\`, \`SERVICE_UNAVAILABLE\` |
| \`sessionId\` | the session concerned | only to the holder of an authentic token of that session |
| \`known\` | the names that would have been accepted | \`UNKNOWN_ROLE\` |

Nothing else leaves the server. What went wrong inside stands in its log under the \`requestId\`.

## HTTP status

An error of a field travels with status 200, beside the data of the other fields. Where the error concerns the whole request, the
status is the one listed. An answer is always JSON, also for an unknown path or a malformed body.

## Codes

`;

const overview = (kinds) =>
  ['| code | HTTP status | text |', '|---|---|---|']
    .concat(Object.entries(kinds).map(([code, row]) => `| [\`${code}\`](#${code.toLowerCase()}) | ${row.httpStatus} | ${row.message} |`))
    .join('\n');

function entry([code, { message, httpStatus, reasons, about, reveals }]) {
  const lines = [
    `### ${code}`,
    '',
    `> ${message}`,
    '',
    `- **When, and what to do:** ${about}`,
    ...(reasons ? [`- **Reasons:** ${reasons.map((reason) => `\`${reason}\``).join(', ')}`] : []),
    `- **HTTP status** of a whole request: ${httpStatus}`,
    `- **Reveals:** ${reveals}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** `docs/errors.md` from the table of error codes. */
export const errorsPage = (kinds) => `${introduction}${overview(kinds)}\n\n${Object.entries(kinds).map(entry).join('\n')}`;
