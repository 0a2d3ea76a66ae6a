/**
 * Who may import whom. Imports of types count too. A layer may always import itself; `values` may be imported as they are,
 * `types` by `import type` alone, `onDemand` by `import()` alone. What is not listed is forbidden, and so is a file that no
 * layer holds.
 */
const layers = {
  auth: { files: 'auth/', values: ['store/(port|queries|records).ts'], types: ['config.ts', 'mail/(port|mails).ts'] },
  mail: { files: 'mail/', values: ['store/(port|queries|records).ts'], types: ['auth/log.ts'] },
  'store-port': { files: 'store/(port|queries|records|inspection).ts' },
  'store-open': {
    files: 'store/open.ts',
    values: ['store/(port|queries|records).ts'],
    types: ['store/inspection.ts'],
    onDemand: ['store/sqlite/(open|inspect).ts', 'store/mongo/(open|inspect).ts'],
  },
  'store-windows': { files: 'store/windows.ts', types: ['store/(port|queries|records).ts'] },
  'store-sqlite': { files: 'store/sqlite/', values: ['store/(port|queries|records|inspection|windows).ts'] },
  'store-mongo': { files: 'store/mongo/', values: ['store/(port|queries|records|inspection|windows).ts'] },
  'graphql-types': { files: 'graphql/types/' },
  'graphql-resolvers': {
    files: 'graphql/resolvers/',
    values: ['graphql/types/', 'graphql/paging.ts'],
    types: ['graphql/context.ts', 'auth/'],
  },
  graphql: {
    files: 'graphql/[^/]+.ts',
    values: ['graphql/', 'auth/audit-events.ts', 'auth/errors.ts', 'auth/viewer.ts'],
    types: ['auth/'],
  },
  rules: {
    files: 'rules/',
    values: ['auth/errors.ts', 'auth/step-up.ts'],
    types: ['graphql/context.ts', 'auth/viewer.ts', 'auth/roles.ts'],
  },
  http: { files: 'http/', values: ['auth/errors.ts'], types: ['config.ts', 'auth/viewer.ts'] },
  config: { files: 'config(-file)?.ts', values: ['auth/roles.ts', 'mail/notices.ts', 'mail/smtp-url.ts'] },
  leaf: { files: '(log|version).ts' },
  'secret-file': { files: 'secret-file.ts', values: ['config.ts'] },
  housekeeping: { files: 'housekeeping.ts', types: ['auth/log.ts'] },
  telemetry: {
    files: 'telemetry/',
    values: ['auth/errors.ts', 'auth/meter.ts', 'store/(port|queries|records).ts'],
    types: ['auth/log.ts', 'auth/viewer.ts', 'config.ts', 'graphql/context.ts', 'http/metrics-route.ts', 'http/request-observer.ts'],
  },
  services: {
    files: 'services.ts',
    values: ['auth/', 'housekeeping.ts', 'mail/', 'store/(port|queries|records).ts', 'version.ts'],
    types: ['config.ts'],
  },
  'open-auth': {
    files: 'open-auth.ts',
    values: ['auth/meter.ts', 'log.ts', 'mail/open.ts', 'secret-file.ts', 'services.ts', 'store/(open|port).ts'],
    types: ['auth/', 'config.ts', 'mail/port.ts'],
  },
  app: {
    files: 'app.ts',
    values: ['auth/', 'graphql/', 'http/', 'log.ts', 'open-auth.ts', 'rules/', 'services.ts', 'telemetry/open.ts', 'version.ts'],
    types: ['config.ts'],
  },
  explain: { files: 'explain.ts', values: ['auth/errors.ts', 'auth/server-keys.ts', 'config.ts', 'store/(port|queries|records).ts'] },
  latchkey: { files: 'latchkey.ts', values: ['app.ts', 'config.ts'], types: ['auth/', 'http/plugin.ts', 'mail/port.ts'] },
  index: {
    files: 'index.ts',
    values: ['auth/server-keys.ts', 'config.ts', 'latchkey.ts', 'mail/port.ts', 'store/(port|queries|records).ts'],
    types: ['http/plugin.ts'],
  },
  run: { files: 'run.ts', values: ['config.ts', 'explain.ts', 'latchkey.ts', 'log.ts'] },
  main: { files: 'main.ts', onDemand: ['run.ts'] },
  verify: { files: 'verify/' },
  doctor: {
    files: 'doctor/',
    values: ['auth/', 'config.ts', 'explain.ts', 'secret-file.ts', 'store/(open|port|queries|records).ts'],
    types: ['store/inspection.ts'],
  },
  cli: {
    files: 'cli/',
    values: [
      'auth/errors.ts',
      'auth/role-book.ts',
      'config.ts',
      'doctor/',
      'explain.ts',
      'graphql/paging.ts',
      'store/(port|queries|records).ts',
      'version.ts',
    ],
    types: ['auth/', 'services.ts'],
    onDemand: ['main.ts', 'open-auth.ts'],
  },
};

/** Packages that have one home. `types`: where their types may be named as well. */
const homes = [
  { packages: 'bcrypt|jsonwebtoken', home: 'auth/' },
  { packages: 'validator|bowser|fxa-common-password-list', home: 'auth/' },
  { packages: 'mongoose|mongodb', home: 'store/mongo/' },
  { packages: 'libsql', home: 'store/sqlite/' },
  { packages: 'fastify|@fastify/[^/]+', home: 'http/', types: 'app.ts' },
  { packages: 'graphql-ws', home: 'graphql/subscriptions.ts' },
  { packages: 'graphql-shield', home: 'rules/shield.ts', types: 'rules/.+' },
  { packages: 'type-graphql|reflect-metadata', home: 'graphql/(types/|resolvers/|schema.ts)' },
  { packages: '@apollo/server|@as-integrations/fastify|graphql-middleware', home: 'app.ts', types: 'telemetry/.+.ts' },
  { packages: 'prom-client', home: 'telemetry/metrics.ts' },
  { packages: '@opentelemetry/[^/]+', home: 'telemetry/(tracing|quiet-exporter).ts' },
  { packages: 'dataloader', home: 'graphql/context.ts' },
  { packages: 'pino', home: 'log.ts', types: '(app|latchkey|open-auth|http/.+).ts' },
  { packages: 'zod', home: '(config(-file)?.ts|auth/)' },
  { packages: 'jsonc-parser', home: 'config-file.ts' },
  { packages: 'commander', home: 'cli/' },
  { packages: 'nodemailer', home: 'mail/' },
  { packages: 'jose', home: 'verify/' },
];

const inSource = (file) => `^src/${file.replaceAll('.ts', '[.]ts$')}`;
const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });
const article = 'See the table at the top of .dependency-cruiser.cjs and docs/architecture.md.';

function layerRules([name, { files, values = [], types = [], onDemand = [] }]) {
  const from = { path: inSource(files) };
  const self = inSource(files);
  const paths = { values: values.map(inSource), types: types.map(inSource), onDemand: onDemand.map(inSource) };
  const rules = [
    rule(`${name}-imports`, `This layer may not import that. ${article}`, from, {
      path: '^src/',
      pathNot: [self, ...paths.values, ...paths.types, ...paths.onDemand],
    }),
  ];
  if (types.length > 0) {
    rules.push(
      rule(`${name}-imports-types-only`, `This layer may import types from there, nothing else. ${article}`, from, {
        path: paths.types,
        pathNot: [self, ...paths.values],
        dependencyTypesNot: ['type-only'],
      }),
    );
  }
  if (onDemand.length > 0) {
    rules.push(rule(`${name}-imports-on-demand`, `Only by import(). ${article}`, from, { path: paths.onDemand, dynamic: false }));
  }
  return rules;
}

function homeRules({ packages, home, types }) {
  const path = `(^|/)node_modules/(@types/)?(${packages})/`;
  const name = `home-of-${packages.split('|')[0]}`;
  const comment = `These packages are imported in src/${home} alone. ${article}`;
  if (types === undefined) return [rule(name, comment, { path: '^src/', pathNot: inSource(home) }, { path })];
  return [
    rule(name, comment, { path: '^src/', pathNot: [inSource(home), inSource(types)] }, { path }),
    rule(`${name}-types`, comment, { path: inSource(types), pathNot: inSource(home) }, { path, dependencyTypesNot: ['type-only'] }),
  ];
}

const everyLayer = Object.values(layers).map(({ files }) => inSource(files));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(layers).flatMap(layerRules),
    ...homes.flatMap(homeRules),
    rule('file-without-layer', `Every file belongs to a layer. ${article}`, { path: '^src/', pathNot: everyLayer }, {}),
    rule('cycle', 'No cycles, not even of types: a type that two files need gets its own.', {}, { circular: true }),
    rule('development-dependency', 'What runs in production is a dependency.', { path: '^src/' }, { dependencyTypes: ['npm-dev'] }),
    rule(
      'telemetry-on-demand',
      'Their libraries are loaded only where they are turned on: by import().',
      { path: '^src/' },
      { path: inSource('telemetry/(metrics|tracing).ts'), dynamic: false, dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'mail-library-on-demand',
      'It is loaded only where mails are sent: by import().',
      { path: '^src/' },
      { path: inSource('mail/(smtp|folder).ts'), dynamic: false },
    ),
    rule(
      'verify-loads-jose-alone',
      'Other services load it: nothing of the server, and one package.',
      { path: inSource('verify/') },
      { dependencyTypesNot: ['core', 'local', 'type-only'], pathNot: '(^|/)node_modules/jose/' },
    ),
    // That package is types alone, which the cruiser has no way to.
    rule('unresolvable', 'This import leads nowhere.', {}, { couldNotResolve: true, pathNot: '^@graphql-typed-document-node/core$' }),
    rule(
      'outside-source',
      'src/ imports nothing of the tests, scripts, the client, the console or the build.',
      { path: '^src/' },
      { path: '^(test|scripts|client|console|dist)/' },
    ),
    rule(
      'outside-client',
      'client/ is a package of its own, for any page: it holds all that it needs.',
      { path: '^client/' },
      { path: '^(src|test|scripts|console|dist)/' },
    ),
    rule('client-without-node', 'client/ runs in browsers.', { path: '^client/' }, { dependencyTypes: ['core'] }),
    rule(
      'client-peers',
      "Each library that a page may have has one entry of the client's, so that pages without it can use the rest.",
      { path: '^client/src/', pathNot: '^client/src/(apollo|graphql-ws|react)[.]tsx?$' },
      { path: '(^|/)node_modules/' },
    ),
    rule(
      'outside-console',
      'console/ runs in browsers: of the server it knows the API alone.',
      { path: '^console/' },
      { path: '^(src|test|scripts|dist)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
