import { readFileSync } from 'node:fs';
import { findNodeAtLocation, getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { builtInRoles, permissions, type RoleSettings, writingPermissions } from './auth/roles.js';
import { allNotices, type NoticeSettings, noticeTexts } from './mail/notices.js';

/** Every account and token names its roles, and a refusal lists them all. */
const mostRoles = 100;

const permission = z
  .enum(permissions, { error: `must be one of ${permissions.join(', ')}` })
  .describe('What a rule asks for. `users:write` and `sessions:revoke` change something of other people.');
const roleName = z.string().regex(/^[a-z0-9_-]{1,32}$/, { error: 'a name of a role must have 1 to 32 of a-z, 0-9, - and _' });

/** What the file can say. */
export interface FileSettings extends RoleSettings {
  readonly notices: NoticeSettings;
}

const notice = (about: string) => z.boolean({ error: 'must be true or false' }).optional().describe(about).meta({ default: true });

/** The form of the file. */
const configFileShape = z
  .strictObject(
    {
      $schema: z.string({ error: 'must be text' }).optional().describe('Where an editor finds this schema. The server does not read it.'),
      roles: z
        .record(roleName, z.array(permission, { error: 'must be a list of permissions' }), {
          error: 'must be an object: name of a role -> permissions',
        })
        .optional()
        .describe(
          `The roles that there are, in place of the built-in ones, each with what it allows. One at least must hold \`users:write\`.`,
        )
        .meta({ default: builtInRoles.roles, maxProperties: mostRoles }),
      defaultRole: z
        .string({ error: 'must be the name of a role' })
        .optional()
        .describe('The role of every new account, one of `roles`. It may hold no permission that changes something.')
        .meta({ default: builtInRoles.defaultRole }),
      notices: z
        .strictObject(
          {
            newDevice: notice(noticeTexts.newDevice),
            passwordChanged: notice(noticeTexts.passwordChanged),
            emailChanged: notice(noticeTexts.emailChanged),
            reuseDetected: notice(noticeTexts.reuseDetected),
          },
          { error: (issue) => (issue.code === 'unrecognized_keys' ? 'is no notice' : 'must be an object: notice -> true or false') },
        )
        .optional()
        .describe('What people are told by mail without having asked; `false` switches it off.')
        .meta({ default: allNotices }),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? 'is no setting of this file' : 'must be an object') },
  )
  .meta({ title: 'Latchkey: the file that LATCHKEY_CONFIG_FILE names' });

/** The form of the file as a JSON schema (draft 2020-12), as published in `schema/config.schema.json`. What joins two values it cannot say. */
export const configFileSchema = (): object => z.toJSONSchema(configFileShape, { io: 'input' });

type ConfigFile = z.output<typeof configFileShape>;
interface Fault {
  readonly path: readonly (string | number)[];
  readonly problem: string;
}

/** What is wrong with the file, in words that hold its line and column and nothing of its content. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
}

/**
 * Reads the file of settings. Without a path, and for what the file leaves out, the built-in ones. Throws `ConfigFileError` for one that
 * cannot be read, is no JSON (RFC 8259), names a member twice, or does not fit.
 */
export function readConfigFile(path: string | null): FileSettings {
  if (path === null) return frozen({ ...builtInRoles, notices: allNotices });
  const text = contentOf(path);
  const tree = treeOf(text);
  const parsed = configFileShape.safeParse(getNodeValue(tree));
  const fault = parsed.success ? faultIn(withDefaults(parsed.data)) : firstFault(parsed.error);
  if (fault !== null) throw at(text, (findNodeAtLocation(tree, [...fault.path]) ?? tree).offset, fault.problem);
  return frozen(withDefaults(parsed.data ?? {}));
}

function frozen({ roles, defaultRole, notices }: FileSettings): FileSettings {
  const entries = Object.entries(roles).map(([name, allowed]) => [name, Object.freeze([...allowed])] as const);
  return Object.freeze({ roles: Object.freeze(Object.fromEntries(entries)), defaultRole, notices: Object.freeze({ ...notices }) });
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigFileError('must name a file that can be read');
  }
}

/** By a parser that keeps what `JSON.parse` drops: where things stand, and members that come twice. */
function treeOf(text: string): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
  const [error] = errors;
  if (error !== undefined) throw at(text, error.offset, `must be JSON (${printParseErrorCode(error.error)})`);
  if (tree === undefined) throw at(text, 0, 'must be JSON');
  const misnamed = misnamedIn(tree);
  if (misnamed !== null) throw at(text, misnamed.offset, 'is named twice, or is __proto__');
  return tree;
}

/** The first name that its object has a second time, or that would be dropped on the way: no object has it as an ordinary member. */
function misnamedIn(node: Node): Node | null {
  const names = new Set<unknown>(['__proto__']);
  for (const child of node.children ?? []) {
    const [key] = child.children ?? [];
    if (child.type === 'property' && key !== undefined) {
      if (names.has(key.value)) return key;
      names.add(key.value);
    }
    const within = misnamedIn(child);
    if (within !== null) return within;
  }
  return null;
}

const withDefaults = ({ roles, defaultRole, notices }: ConfigFile): FileSettings => ({
  roles: roles ?? builtInRoles.roles,
  defaultRole: defaultRole ?? builtInRoles.defaultRole,
  notices: {
    newDevice: notices?.newDevice ?? allNotices.newDevice,
    passwordChanged: notices?.passwordChanged ?? allNotices.passwordChanged,
    emailChanged: notices?.emailChanged ?? allNotices.emailChanged,
    reuseDetected: notices?.reuseDetected ?? allNotices.reuseDetected,
  },
});

/** What no schema of one value can say. */
function faultIn({ roles, defaultRole }: RoleSettings): Fault | null {
  if (Object.keys(roles).length > mostRoles) return { path: ['roles'], problem: `must be at most ${mostRoles} roles` };
  const byDefault = Object.hasOwn(roles, defaultRole) ? roles[defaultRole] : undefined;
  if (byDefault === undefined) return { path: ['defaultRole'], problem: 'the default role must be one of the roles' };
  if (byDefault.some((allowed) => writingPermissions.includes(allowed))) {
    return { path: ['roles', defaultRole], problem: `the default role must not hold ${writingPermissions.join(' or ')}: everybody has it` };
  }
  if (!Object.values(roles).some((allowed) => allowed.includes('users:write'))) {
    return { path: ['roles'], problem: 'one role at least must hold users:write: else nobody could ever grant one' };
  }
  return null;
}

/** An unknown member and a name that is none are found by what they are, not by where they would be. */
function firstFault(error: z.ZodError): Fault {
  const [issue] = error.issues;
  if (issue === undefined) return { path: [], problem: 'must fit its schema' };
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') return { path: [...path, ...issue.keys.slice(0, 1)], problem: issue.message };
  if (issue.code === 'invalid_key') return { path, problem: issue.issues[0]?.message ?? issue.message };
  return { path, problem: issue.message };
}

function at(text: string, offset: number, problem: string): ConfigFileError {
  const before = text.slice(0, offset).split('\n');
  return new ConfigFileError(`names a file at fault in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${problem}`);
}
