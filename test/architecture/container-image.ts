import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Copy, DockerfileParser, From, type Instruction, JSONInstruction, PropertyInstruction } from 'dockerfile-ast';
import { type Setting, settings } from '../../src/config.js';
import { projectPath } from './project.js';

/** Its types promise a default export, which it has not. */
const dockerignore = require('@balena/dockerignore') as () => { add(text: string): { ignores(path: string): boolean } };

const rows: Setting[] = Object.values(settings);

/** What `RUN` leaves behind that a later stage may copy. */
const products: readonly (readonly [RegExp, string])[] = [
  [/\bnpm ci\b/, 'node_modules'],
  [/\bnode scripts\/build\.mjs\b/, 'dist'],
];

interface Stage {
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

export interface Copied {
  /** Null: from the context. */
  readonly stage: string | null;
  readonly source: string;
  readonly target: string;
}

/** The Dockerfile as its parser reads it: line continuations, `ARG` in `FROM`, stages, JSON forms. */
export interface ImagePlan {
  readonly keywords: readonly string[];
  readonly stages: readonly Stage[];
  readonly images: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Into the last stage. */
  readonly copies: readonly Copied[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
}

const plainArguments = (instruction: Instruction): string[] => instruction.getArguments().map((argument) => argument.getValue());
const ofKind = (stage: Stage, keyword: string): Instruction[] => stage.instructions.filter((one) => one.getKeyword() === keyword);

function stagesOf(instructions: readonly Instruction[]): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    if (instruction instanceof From) stages.push({ name: instruction.getBuildStage(), instructions: [instruction] });
    else (stages.at(-1)?.instructions as Instruction[] | undefined)?.push(instruction);
  }
  return stages;
}

function pairsOf(stage: Stage, keyword: string): Record<string, string> {
  const properties = ofKind(stage, keyword).flatMap((one) => (one instanceof PropertyInstruction ? one.getProperties() : []));
  return Object.fromEntries(properties.map((property) => [property.getName(), property.getValue() ?? '']));
}

/** The words of an exec form; empty for a shell form, which is no way to pass a signal on. */
function execForm(instruction: Instruction | undefined): string[] {
  const isExec = instruction instanceof JSONInstruction && instruction.getOpeningBracket() !== null;
  return isExec ? instruction.getJSONStrings().map((word) => word.getJSONValue()) : [];
}

function copiesOf(stage: Stage): Copied[] {
  return ofKind(stage, 'COPY').flatMap((one) => {
    const words = plainArguments(one);
    const target = words.at(-1) ?? '';
    const from = (one as Copy).getFromFlag()?.getValue() ?? null;
    return words.slice(0, -1).map((word) => {
      const source = word.replace(/^\/app\//, '').replace(/\/$/, '');
      const isFolder = target.endsWith('/');
      return { stage: from, source, target: isFolder ? join(target, source.split('/').at(-1) ?? '') : target };
    });
  });
}

export function readDockerfile(text: string): ImagePlan {
  const file = DockerfileParser.parse(text);
  const stages = stagesOf(file.getInstructions());
  const last = stages.at(-1) ?? { name: null, instructions: [] };
  const defaults = Object.fromEntries(file.getARGs().map((arg) => [arg.getProperty()?.getName(), arg.getProperty()?.getValue()]));
  const resolve = (image: string) => image.replace(/\$\{(\w+)\}/g, (_, name: string) => defaults[name] ?? '');
  return {
    keywords: file.getInstructions().map((one) => one.getKeyword()),
    stages,
    images: stages.map(({ instructions: [from] }) => resolve(from instanceof From ? (from.getImage() ?? '') : '')),
    environment: pairsOf(last, 'ENV'),
    user: ofKind(last, 'USER').flatMap(plainArguments).at(-1) ?? '',
    volumes: ofKind(last, 'VOLUME').flatMap(execForm),
    ports: ofKind(last, 'EXPOSE').flatMap(plainArguments),
    labels: pairsOf(last, 'LABEL'),
    copies: copiesOf(last),
    entrypoint: execForm(ofKind(last, 'ENTRYPOINT').at(-1)),
    command: execForm(ofKind(last, 'CMD').at(-1)),
    health: healthOf(ofKind(last, 'HEALTHCHECK').at(-1)),
  };
}

/** The parser leaves the command of a health check as it stands: `CMD` and, in exec form, a JSON list. */
function healthOf(instruction: Instruction | undefined): string[] {
  const [keyword, ...words] = instruction === undefined ? [] : plainArguments(instruction);
  const isExec = keyword === 'CMD' && words[0]?.startsWith('[');
  return isExec ? (JSON.parse(words.join(' ')) as string[]) : [];
}

function contextFilter(ignoreText: string): (path: string) => boolean {
  const filter = dockerignore().add(ignoreText);
  return (path) => path === '.' || !filter.ignores(path);
}

const instructions = 'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(' ');

function imageProblems({ keywords, images, user, entrypoint, command, health, environment, volumes, ports }: ImagePlan): string[] {
  const problems = images
    .filter((image) => !/:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(image) || image.includes(':latest'))
    .map((image) => `the image ${image} has no pinned tag`);
  problems.push(...keywords.filter((one) => !instructions.includes(one)).map((one) => `${one} is no instruction`));
  if (!/^[1-9]\d*:[1-9]\d*$/.test(user)) problems.push(`USER ${user} is not a fixed number other than root's`);
  if (entrypoint.length === 0 || command.length === 0) problems.push('ENTRYPOINT and CMD need the exec form');
  if (health.length === 0) problems.push('HEALTHCHECK needs the exec form');
  if (!volumes.includes(environment.LATCHKEY_DATA_DIR ?? '')) problems.push('the data folder is no volume');
  if (!ports.includes(environment.PORT ?? '')) problems.push('EXPOSE is not PORT');
  return problems;
}

function settingProblems({ environment, stages }: ImagePlan): string[] {
  const problems = Object.entries(environment).flatMap(([name, value]) => {
    const row = rows.find(({ env }) => env === name);
    if (row === undefined) return [`${name} is no setting`];
    if (row.secret) return [`${name} is a secret in a layer`];
    return row.parse.safeParse(value).success ? [] : [`${name} has a value that the server refuses`];
  });
  const named = stages.flatMap((stage) => [...ofKind(stage, 'ARG'), ...ofKind(stage, 'ENV')]).flatMap(plainArguments);
  const secrets = named.filter((text) => /SECRET|PASSWORD|TOKEN|STORE_URL/i.test(text.split('=', 1)[0] ?? ''));
  return [...problems, ...secrets.map((text) => `${text.split('=', 1)[0]} is a secret in a layer`)];
}

function copyProblems(plan: ImagePlan, isInContext: (path: string) => boolean): string[] {
  return plan.stages.flatMap((stage, index) =>
    copiesOf(stage).flatMap(({ stage: from, source }) => {
      if (from === null) {
        if (!existsSync(projectPath(source))) return [`COPY ${source}: there is no such path`];
        return isInContext(source) ? [] : [`COPY ${source}: .dockerignore leaves it out`];
      }
      const origin = plan.stages.slice(0, index).find(({ name }) => name === from);
      if (origin === undefined) return [`COPY --from=${from}: there is no such stage before`];
      const runs = ofKind(origin, 'RUN').map((run) => run.getRawArgumentsContent() ?? '');
      const isMade = products.some(([run, made]) => made === source && runs.some((text) => run.test(text)));
      return isMade ? [] : [`COPY --from=${from} ${source}: that stage does not make it`];
    }),
  );
}

/** Files outside `dist/` that the program reads by their place relative to its own. */
function readAtRunTime(): string[] {
  const files = readdirSync(projectPath('dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  return files.flatMap((name) => {
    const text = readFileSync(projectPath(`dist/${name}`), 'utf8');
    const named = [...text.matchAll(/new URL\('(\.[^']*)', import\.meta\.url\)/g)].map(([, path = '']) =>
      join('dist', dirname(name), path),
    );
    return named.filter((path) => !path.startsWith('dist/'));
  });
}

/** Programs are our own files, run by Node: in a build step from the context, in the image from what was copied. */
function programProblems(plan: ImagePlan, isInContext: (path: string) => boolean): string[] {
  const steps = plan.stages.flatMap((stage) => ofKind(stage, 'RUN').map((run) => run.getRawArgumentsContent() ?? ''));
  const built = steps.flatMap((text) => text.match(/\b[\w./-]+\.m?js\b/g) ?? []);
  const missing = built.filter((path) => !existsSync(projectPath(path)) || !isInContext(path)).map((path) => `RUN ${path}: not there`);
  const read = readAtRunTime().filter((path) => !isInImage(plan, path));
  missing.push(...read.map((path) => `${path} is read at run time and not in the image`));
  for (const words of [[...plan.entrypoint, ...plan.command], plan.health]) {
    if (words.length > 0 && words[0] !== 'node') missing.push(`${words.join(' ')}: not run by node itself`);
    for (const word of words.filter((text) => /\.m?js$/.test(text))) {
      if (!isInImage(plan, word)) missing.push(`${word} is not in the image`);
    }
  }
  return missing;
}

export function isInImage(plan: ImagePlan, path: string): boolean {
  const holds = plan.copies.some(({ target }) => path === target || path.startsWith(`${target}/`));
  return holds && existsSync(projectPath(path));
}

/** What must never reach a build, and what a build cannot do without. */
const kept = [
  'package.json',
  'package-lock.json',
  'client/package.json',
  'client/tsconfig.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build.mjs',
  'schema/schema.graphql',
];
const leftOut = [
  ...['node_modules/a/index.js', '.git/HEAD', '.env', '.env.local', '.cache/x', 'data/secret', 'data/latchkey.db', 'dist/main.js'],
  ...['deploy/secrets/store_url', 'test/config.test.ts', 'a/node_modules/b/index.js', 'other.db-wal', 'coverage/index.html'],
];

export function ignoreProblems(ignoreText: string): string[] {
  const isInContext = contextFilter(ignoreText);
  const sources = readdirSync(projectPath('src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return [
    ...[...kept, ...sources.map((name) => `src/${name}`)].filter((path) => !isInContext(path)).map((path) => `${path} is left out`),
    ...leftOut.filter(isInContext).map((path) => `${path} would reach the build`),
  ];
}

/** Everything that is wrong with a Dockerfile, as far as can be told without an engine. */
export function dockerfileProblems(text: string, ignoreText: string): string[] {
  const plan = readDockerfile(text);
  const isInContext = contextFilter(ignoreText);
  return [
    ...imageProblems(plan),
    ...settingProblems(plan),
    ...copyProblems(plan, isInContext),
    ...programProblems(plan, isInContext),
    ...ignoreProblems(ignoreText),
  ];
}

/** Names of the packages that `npm ci --omit=dev` installs at the top of `node_modules`. */
function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(projectPath('package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional, link }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !devOptional && !link)
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => existsSync(projectPath(`node_modules/${name}`)));
}

/**
 * Fills a folder with what the last stage copies and no more. Packages are links, so Node must run with `--preserve-symlinks`: then a
 * development dependency cannot be found. `without`: packages to leave out.
 */
export function layImage(plan: ImagePlan, folder: string, without: readonly string[] = []): void {
  for (const { source, target } of plan.copies) {
    const place = join(folder, target);
    mkdirSync(dirname(place), { recursive: true });
    if (source !== 'node_modules') cpSync(projectPath(source), place, { recursive: true });
  }
  for (const name of productionPackages().filter((one) => !without.includes(one))) {
    const place = join(folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(projectPath(`node_modules/${name}`), place, 'junction');
  }
}
