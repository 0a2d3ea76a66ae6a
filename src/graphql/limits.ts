import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import { AuthError } from '../auth/errors.js';

export interface DocumentLimits {
  readonly maxTokens: number;
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly maxDirectives: number;
}

/** Fields of which one operation may hold one: each tries a secret or asks for a mail, and a request must not buy more than one. */
export const credentialMutations: ReadonlySet<string> = new Set([
  'signup',
  'login',
  'refreshToken',
  'reauthenticate',
  'changePassword',
  'requestPasswordReset',
  'resetPassword',
  'requestEmailVerification',
  'verifyEmail',
  'changeEmail',
  'revertEmailChange',
  'deleteAccount',
]);

type Reason = 'TOKENS' | 'DEPTH' | 'ALIASES' | 'DIRECTIVES' | 'FRAGMENTS' | 'CREDENTIAL_MUTATIONS';

/** graphql's parser and validator call themselves for every bracket: at about 2,000 the stack is gone. Nobody needs this many. */
const maxNesting = 256;
/** Introspection peels lists and non-nulls off a type by nine nested `ofType`, which cost nothing: not counted, or it would be 15 deep. */
const unwrapping = 'ofType';
/** Spreads and inline fragments of a document. The validator compares the fragments of one selection each with each. */
const maxSpreads = 100;
const rememberedVerdicts = 1000;

/** Fields whose selection is answered once for each row. */
const lists: ReadonlySet<string> = new Set(['sessions', 'allSessions', 'users', 'activity', 'auditEvents', 'signInStats']);
/** What an alias counts there. */
const aliasWeightInList = 10;

interface Cost {
  depth: number;
  aliases: number;
  directives: number;
  credentials: number;
}
interface Outline extends Cost {
  readonly spreads: { readonly name: string; readonly depth: number; readonly topLevel: boolean; readonly weight: number }[];
}
type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Reads the tokens one after the other, without recursion. A syntax error ends the reading: reporting it is Apollo's task. */
function scan(source: string, maxTokens: number): Reason | null {
  const lexer = new Lexer(new Source(source));
  let tokens = 0;
  let nesting = 0;
  let spreads = 0;
  for (;;) {
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return null;
    tokens += 1;
    if (tokens > maxTokens) return 'TOKENS';
    if (kind === TokenKind.BRACE_L || kind === TokenKind.PAREN_L || kind === TokenKind.BRACKET_L) nesting += 1;
    if (kind === TokenKind.BRACE_R || kind === TokenKind.PAREN_R || kind === TokenKind.BRACKET_R) nesting -= 1;
    if (nesting > maxNesting) return 'DEPTH';
    if (kind === TokenKind.SPREAD) spreads += 1;
    if (spreads > maxSpreads) return 'FRAGMENTS';
  }
}

/**
 * How often a response name with a selection or arguments comes again in one scope (fragments entered once). Such repeats cost
 * the validator what aliases cost, each is compared with each: 490 times `me{id}` keep it busy for a quarter of a second.
 * Stops counting above `most`.
 */
function repeatsIn(scope: SelectionSetNode, fragments: Fragments, most: number): number {
  const names = new Set<string>();
  const entered = new Set<string>();
  const pending = [scope];
  let repeats = 0;
  for (let set = pending.pop(); set !== undefined && repeats <= most; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) pending.push(selection.selectionSet);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = entered.has(selection.name.value) ? undefined : fragments.get(selection.name.value);
        entered.add(selection.name.value);
        if (fragment !== undefined) pending.push(fragment.selectionSet);
      } else if (selection.selectionSet !== undefined || selection.arguments?.length) {
        const name = selection.alias?.value ?? selection.name.value;
        if (names.has(name)) repeats += 1;
        names.add(name);
      }
    }
  }
  return repeats;
}

/** What a selection set costs by itself, and which fragments it spreads where. */
function outlineOf(root: SelectionSetNode, fragments: Fragments, maxAliases: number): Outline {
  const outline: Outline = { depth: 0, aliases: 0, directives: 0, credentials: 0, spreads: [] };
  const pending = [{ set: root, depth: 0, topLevel: true, weight: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { set, depth, topLevel, weight } = next;
    for (const selection of set.selections) {
      outline.directives += selection.directives?.length ?? 0;
      if (selection.kind === Kind.FRAGMENT_SPREAD) outline.spreads.push({ name: selection.name.value, depth, topLevel, weight });
      else if (selection.kind === Kind.INLINE_FRAGMENT) pending.push({ set: selection.selectionSet, depth, topLevel, weight });
      else {
        const ownDepth = depth + (selection.name.value === unwrapping ? 0 : 1);
        outline.depth = Math.max(outline.depth, ownDepth);
        if (selection.alias !== undefined) outline.aliases += weight;
        if (topLevel && credentialMutations.has(selection.name.value)) outline.credentials += 1;
        if (selection.selectionSet === undefined) continue;
        const inner = lists.has(selection.name.value) ? aliasWeightInList : weight;
        outline.aliases += inner * repeatsIn(selection.selectionSet, fragments, maxAliases);
        pending.push({ set: selection.selectionSet, depth: ownDepth, topLevel: false, weight: inner });
      }
    }
  }
  return outline;
}

/** Adds what the spreads cost, as numbers: a bomb that would unfold to 2^100 fields is a sum of a hundred terms. */
function totalOf(outline: Outline, totals: ReadonlyMap<string, Cost>): Cost {
  const { spreads, ...total } = outline;
  for (const { name, depth, topLevel, weight } of spreads) {
    const fragment = totals.get(name);
    if (fragment === undefined) continue;
    total.depth = Math.max(total.depth, depth + fragment.depth);
    total.aliases += weight * fragment.aliases;
    total.directives += fragment.directives;
    if (topLevel) total.credentials += fragment.credentials;
  }
  return total;
}

/** The full cost of each fragment, innermost first. A spread that closes a circle counts nothing: validation refuses the circle. */
function fragmentTotals(outlines: ReadonlyMap<string, Outline>): Map<string, Cost> {
  const totals = new Map<string, Cost>();
  const opened = new Set<string>();
  const stack = [...outlines.keys()];
  for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
    const outline = outlines.get(name);
    if (outline === undefined || opened.has(name)) {
      stack.pop();
      if (outline !== undefined && !totals.has(name)) totals.set(name, totalOf(outline, totals));
      continue;
    }
    opened.add(name);
    for (const spread of outline.spreads) if (!opened.has(spread.name)) stack.push(spread.name);
  }
  return totals;
}

function costsOf(document: DocumentNode, maxAliases: number): Cost[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
  }
  const outlines = new Map<string, Outline>();
  for (const [name, fragment] of fragments) {
    const outline = outlineOf(fragment.selectionSet, fragments, maxAliases);
    outline.directives += fragment.directives?.length ?? 0;
    outlines.set(name, outline);
  }
  const totals = fragmentTotals(outlines);
  return operations.map((operation) => {
    const outline = outlineOf(operation.selectionSet, fragments, maxAliases);
    outline.aliases += repeatsIn(operation.selectionSet, fragments, maxAliases);
    const onVariables = operation.variableDefinitions?.map((variable) => variable.directives?.length ?? 0) ?? [];
    outline.directives += [operation.directives?.length ?? 0, ...onVariables].reduce((sum, count) => sum + count, 0);
    return totalOf(outline, totals);
  });
}

function judge(source: string, limits: DocumentLimits): Reason | null {
  try {
    const tooLong = scan(source, limits.maxTokens);
    if (tooLong !== null) return tooLong;
    const costs = costsOf(parse(source, { noLocation: true }), limits.maxAliases);
    if (costs.some((cost) => cost.depth > limits.maxDepth)) return 'DEPTH';
    if (costs.some((cost) => cost.credentials > 1)) return 'CREDENTIAL_MUTATIONS';
    if (costs.some((cost) => cost.aliases > limits.maxAliases)) return 'ALIASES';
    if (costs.some((cost) => cost.directives > limits.maxDirectives)) return 'DIRECTIVES';
    return null;
  } catch {
    return null;
  }
}

/**
 * The check that a document passes before Apollo parses and validates it: the work of both grows faster than the document.
 * Every operation of the document is counted, whichever will run. The function returns `QUERY_TOO_COMPLEX` with the limit as
 * `reason`, or null; also null for a syntax error, which Apollo reports. It never throws. The last 1,000 verdicts are remembered.
 */
export function createDocumentGuard(limits: DocumentLimits): (source: string) => AuthError | null {
  const verdicts = new Map<string, Reason | null>();
  return (source) => {
    const key = createHash('sha256').update(source).digest('base64');
    let reason = verdicts.get(key);
    if (reason === undefined) reason = judge(source, limits);
    verdicts.delete(key);
    verdicts.set(key, reason);
    const oldest = verdicts.size > rememberedVerdicts ? verdicts.keys().next().value : undefined;
    if (oldest !== undefined) verdicts.delete(oldest);
    return reason === null ? null : new AuthError('QUERY_TOO_COMPLEX', { reason });
  };
}
