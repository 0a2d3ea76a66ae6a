import { describe, expect, test } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { createDocumentGuard, credentialMutations } from '../../src/graphql/limits.js';

const defaults = { maxTokens: 2000, maxDepth: 12, maxAliases: 30, maxDirectives: 50 };
const reasonOf = (source: string, limits: Partial<typeof defaults> = {}): string | undefined =>
  createDocumentGuard({ ...defaults, ...limits })(source)?.details.reason;
const times = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => write(index)).join(' ');
const nested = (depth: number): string => `${'{a'.repeat(depth)}${'}'.repeat(depth)}`;

describe('a document within the limits', () => {
  test('passes', () => {
    expect(createDocumentGuard(defaults)('{ me { id sessions { nodes { id } } } }')).toBeNull();
  });

  test('may be the full introspection query', () => {
    const everything = {
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    };
    expect(reasonOf(getIntrospectionQuery())).toBeUndefined();
    expect(reasonOf(getIntrospectionQuery(everything))).toBeUndefined();
  });

  test('is not made deeper by the nested ofType of introspection', () => {
    expect(reasonOf('{ __schema { types { ofType { ofType { ofType { name } } } } } }', { maxDepth: 3 })).toBeUndefined();
    expect(reasonOf('{ __schema { types { ofType { fields { name } } } } }', { maxDepth: 3 })).toBe('DEPTH');
  });

  test.each(['', '   ', '{', '{ me ', 'query { a(b: "unfinished) }', '}}}}', '\u0000'])(
    'is left to Apollo where it is no GraphQL: %j',
    (source) => {
      expect(reasonOf(source)).toBeUndefined();
    },
  );
});

describe('tokens', () => {
  test('are counted up to the limit and refused beyond', () => {
    expect(reasonOf(`{ ${'a '.repeat(1998)} }`)).toBeUndefined();
    expect(reasonOf(`{ ${'a '.repeat(1999)} }`)).toBe('TOKENS');
  });

  test('comments are none', () => {
    expect(reasonOf(`{ a\n${'#\n'.repeat(5000)} }`)).toBeUndefined();
  });
});

describe('depth', () => {
  test('a field of the operation has depth 1', () => {
    expect(reasonOf(nested(12))).toBeUndefined();
    expect(reasonOf(nested(13))).toBe('DEPTH');
    expect(reasonOf('{ a }', { maxDepth: 1 })).toBeUndefined();
  });

  test('inline fragments add nothing, fragments add what is in them where they are used', () => {
    expect(reasonOf('{ a { ... { ... on A { b } } } }', { maxDepth: 2 })).toBeUndefined();
    expect(reasonOf('{ a { ...F } } fragment F on A { b { c } }', { maxDepth: 3 })).toBeUndefined();
    expect(reasonOf('{ a { ...F } } fragment F on A { b { c } }', { maxDepth: 2 })).toBe('DEPTH');
    expect(reasonOf('{ a { ...F } } fragment F on A { b { ...G } } fragment G on B { c { d } }', { maxDepth: 3 })).toBe('DEPTH');
  });

  test('every operation counts, whichever would run', () => {
    expect(reasonOf(`query A { a } query B ${nested(13)}`)).toBe('DEPTH');
  });

  test('brackets of values count against the stack too', () => {
    expect(reasonOf(`{ a(b: ${'['.repeat(300)}${']'.repeat(300)}) }`)).toBe('DEPTH');
  });
});

describe('aliases', () => {
  test('are counted through inline fragments and, at each use, through fragments', () => {
    expect(reasonOf(`{ ${times(30, (index) => `a${index}: me`)} }`)).toBeUndefined();
    expect(reasonOf(`{ ${times(31, (index) => `a${index}: me`)} }`)).toBe('ALIASES');
    expect(reasonOf('{ ... { x: a } a { y: b } }', { maxAliases: 1 })).toBe('ALIASES');
    const twice = '{ p { ...F } q { ...F } } fragment F on A { x: a }';
    expect(reasonOf(twice, { maxAliases: 2 })).toBeUndefined();
    expect(reasonOf(twice, { maxAliases: 1 })).toBe('ALIASES');
  });

  test('a field with a selection that comes again in one scope counts as one: the validator compares each with each', () => {
    expect(reasonOf(`{ ${'me { id } '.repeat(31)} }`)).toBeUndefined();
    expect(reasonOf(`{ ${'me { id } '.repeat(32)} }`)).toBe('ALIASES');
    expect(reasonOf(`{ ${'... { me { id } } '.repeat(32)} }`)).toBe('ALIASES');
    expect(
      reasonOf(`{ ${times(40, (index) => `...F${index}`)} } ${times(40, (index) => `fragment F${index} on Query { me { id } }`)}`),
    ).toBe('ALIASES');
  });

  test('plain fields may come again, as they do where fragments are composed', () => {
    expect(
      reasonOf(
        `{ me { ${times(60, (index) => `...F${index}`)} } } ${times(60, (index) => `fragment F${index} on User { __typename id email }`)}`,
      ),
    ).toBeUndefined();
  });
});

describe('directives', () => {
  test('are counted on operations, variables, fields, fragments and their uses', () => {
    const one = 'query ($a: Int @d) @d { a @d ... @d { b } ...F @d } fragment F on Q @d { c @d }';
    expect(reasonOf(one, { maxDirectives: 7 })).toBeUndefined();
    expect(reasonOf(one, { maxDirectives: 6 })).toBe('DIRECTIVES');
  });
});

describe('credential mutations', () => {
  test.each([...credentialMutations])('%s may stand once in an operation', (field) => {
    expect(reasonOf(`mutation { ${field} { id } me { id } }`)).toBeUndefined();
    expect(reasonOf(`mutation { ${field} { id } b: login { id } }`)).toBe('CREDENTIAL_MUTATIONS');
  });

  test.each([
    'mutation { a: login b: login }',
    'mutation { login ... { signup } }',
    'mutation { ...F ...F } fragment F on Mutation { login }',
    'mutation { ...F } fragment F on Mutation { ...G login } fragment G on Mutation { ... on Mutation { refreshToken } }',
    'query { me } mutation B { login signup }',
  ])('two are refused however they are written: %s', (source) => {
    expect(reasonOf(source)).toBe('CREDENTIAL_MUTATIONS');
  });

  test('a field of that name further down is none, and each operation counts by itself', () => {
    expect(reasonOf('mutation { login { login signup } }')).toBeUndefined();
    expect(reasonOf('mutation A { login } mutation B { login }')).toBeUndefined();
  });
});

describe('aliases inside a list', () => {
  const inList = (aliases: number) => `{ me { sessions { nodes { ${times(aliases, (index) => `a${index}: user { id }`)} } } } }`;

  test('count ten times: each is answered once for each row', () => {
    expect(reasonOf(inList(3), { maxAliases: 30 })).toBeUndefined();
    expect(reasonOf(inList(4), { maxAliases: 30 })).toBe('ALIASES');
  });

  test('count so in a fragment that is spread there too', () => {
    const fragment = `fragment F on Session { ${times(4, (index) => `a${index}: user { id }`)} }`;
    expect(reasonOf(`{ me { sessions { nodes { ...F } } } } ${fragment}`, { maxAliases: 30 })).toBe('ALIASES');
    expect(reasonOf(`{ session(id: 1) { ...F } } ${fragment}`, { maxAliases: 30 })).toBeUndefined();
  });
});

describe('hostile documents', () => {
  const bomb = (levels: number, body: string): string =>
    `{ ...F0 } ${times(levels, (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`)} fragment F${levels} on Query { ${body} }`;
  const documents: Record<string, string> = {
    '10,000 aliases': `{ ${times(10_000, (index) => `a${index}:me`)} }`,
    '2,000 levels': nested(2000),
    '900 levels, within the tokens': nested(900),
    '40,000 brackets': `{ a(b: ${'['.repeat(40_000)}`,
    'a fragment bomb of 2^120 aliases': bomb(120, 'x: me'),
    'a fragment bomb of 2^120 directives': bomb(120, 'me @d'),
    '25,000 directives': `{ me ${'@a '.repeat(25_000)} }`,
    '600 directives, within the tokens': `{ me ${'@a '.repeat(600)} }`,
    '490 times the same field': `{ ${'me{id} '.repeat(490)} }`,
  };

  test.each(Object.entries(documents))('%s: refused', (name, source) => {
    const guard = createDocumentGuard(defaults);
    const before = process.cpuUsage();
    expect(guard(source)?.code).toBe('QUERY_TOO_COMPLEX');
    const { user, system } = process.cpuUsage(before);
    if (process.env.PRINT_FIGURES) console.log(`${name}: ${(user + system) / 1000} ms`);
    // 50 ms is the promise, measured by the benchmarks; this only tells linear from exponential.
    expect(user + system).toBeLessThan(1_000_000);
  });

  test.each([
    '{ ...A } fragment A on Q { ...A }',
    '{ ...A } fragment A on Q { a { ...B } } fragment B on Q { b { ...C } } fragment C on Q { ...A ...B }',
    '{ ...Missing }',
    'fragment A on Q { ...B } fragment B on Q { ...A }',
  ])('circles of fragments end, and are left to validation: %s', (source) => {
    expect(reasonOf(source)).toBeUndefined();
  });

  test('a long chain of fragments is no deep recursion', () => {
    const chain = times(4000, (index) => `fragment F${index} on Q { ...F${index + 1} }`);
    expect(reasonOf(`{ ...F0 } ${chain} fragment F4000 on Q { x: a y: b }`, { maxTokens: 50_000, maxAliases: 1 })).toBe('FRAGMENTS');
    const short = times(90, (index) => `fragment F${index} on Q { ...F${index + 1} }`);
    expect(reasonOf(`{ ...F0 } ${short} fragment F90 on Q { x: a y: b }`, { maxTokens: 50_000, maxAliases: 1 })).toBe('ALIASES');
  });

  test('2,000 levels end well with the largest token limit too', () => {
    expect(reasonOf(nested(5000), { maxTokens: 20_000 })).toBe('DEPTH');
  });
});

test('verdicts are remembered, and each refusal is an error of its own', () => {
  const guard = createDocumentGuard(defaults);
  const source = nested(13);
  expect(guard(source)).not.toBe(guard(source));
  for (let index = 0; index < 1500; index += 1) guard(`{ a${index} }`);
  expect(guard(source)?.details).toEqual({ reason: 'DEPTH' });
});
