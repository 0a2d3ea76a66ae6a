const introduction = `# The command line

\`latchkey\` uses the same settings as the server, from the same environment: [configuration](configuration.md). In a clone it is
\`npx latchkey\`, or \`node dist/cli/latchkey.js\`. This page is generated from the commands themselves; \`--help\` prints the same.

- **Output.** People get text; with \`--json\` a command prints one JSON document on standard output, with the fields named below. Instants are
  ISO 8601 in UTC with milliseconds. Fields may be added, none is renamed or removed within a major version.
- **Errors** are one line on standard error, with \`--json\` \`{"error":{"code","message"}}\`. \`code\` is one of [the API's](errors.md), or
  \`USAGE\`, \`SETTINGS\`, \`STORE_UNAVAILABLE\`, \`STORE_VERSION\`, \`KEYS_SEALED\`, \`FILES\`, \`UNEXPECTED\`. Work that was cut short adds
  \`count\`, how far it got at least.
- **Passwords** are asked for at the terminal, twice and without an echo, or are the first line of standard input where that is no terminal. No
  argument and no variable takes one.
- **There is no default account.** \`latchkey user create ada@example.com --role admin\` makes the first administrator.
- Every command but \`start\`, \`schema\` and \`doctor\` opens the store as a start does: it is migrated, and keys are made, where that is due.
  They may run beside servers.

## Exit codes

| code | meaning |
|---|---|
`;

/** What \`--help\` prints. */
function helpOf(command) {
  const chunks = [];
  command.configureOutput({ writeOut: (text) => chunks.push(text) });
  command.outputHelp();
  return chunks.join('').trim();
}

/** The commands that do something, with the names on the way to them. */
function leaves(command, names = []) {
  return command.commands.flatMap((child) => {
    const path = [...names, child.name()];
    return child.commands.length > 0 ? leaves(child, path) : [{ path: path.join(' '), command: child }];
  });
}

/** `docs/command-line.md` from the commands and the table of exit codes. */
export function commandLinePage(program, exitCodes) {
  const codes = Object.values(exitCodes).map(({ code, about }) => `| ${code} | ${about} |`);
  const sections = leaves(program).map(({ path, command }) => `## latchkey ${path}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`);
  return `${introduction}${codes.join('\n')}\n\n\`start\` is the server itself: 0 after a stop, 1 when its start is refused.\n\n${sections.join('\n')}`;
}
