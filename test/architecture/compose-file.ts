import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { parse } from 'yaml';
import { ConfigError, loadConfig, noMailWarning, type Setting, settings } from '../../src/config.js';
import { type ImagePlan, isInImage } from './container-image.js';
import { projectPath } from './project.js';

type Named<T> = Readonly<Record<string, T | null>>;

interface Healthcheck {
  readonly test?: readonly string[];
  readonly disable?: boolean;
}

export interface Service {
  readonly image?: string;
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[] | Named<{ readonly ipv4_address?: string }>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: Healthcheck;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> } };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Named<{ readonly internal?: boolean; readonly ipam?: { readonly config: readonly Record<string, string>[] } }>;
  readonly volumes: Named<unknown>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** With anchors and merge keys resolved, and each `${NAME:-default}` by its default. */
export function readCompose(text: string): ComposeFile {
  return parse(
    text.replace(/\$\{\w+:-([^}]*)\}/g, (_, byDefault: string) => byDefault),
    { merge: true },
  );
}

export const isOurs = ({ image }: Service): boolean => image?.startsWith('latchkey:') ?? false;
const isOneShot = ({ restart }: Service): boolean => restart === 'no';
const networkNames = ({ networks = [] }: Service): string[] => (Array.isArray(networks) ? [...networks] : Object.keys(networks));
export function addressesOf({ networks = [] }: Service): string[] {
  if (Array.isArray(networks)) return [];
  return Object.values(networks as Named<{ ipv4_address?: string }>).flatMap((one) => one?.ipv4_address ?? []);
}
const isHostPath = (volume: string): boolean => volume.startsWith('.') || volume.startsWith('/');
const portsInside = ({ ports = [] }: Service): string[] => ports.map((port) => port.split(':').at(-1) ?? '');

function referenceProblems(file: ComposeFile, name: string, service: Service): string[] {
  const { secrets = [], volumes = [], depends_on = {} } = service;
  const missing = (kind: string, names: readonly string[], known: object) =>
    names.filter((one) => !Object.hasOwn(known, one)).map((one) => `${name}: there is no ${kind} ${one}`);
  const sources = volumes.map((volume) => volume.split(':')[0] ?? '');
  const mentioned = JSON.stringify([service.environment, service.entrypoint, service.command]).match(/\/run\/secrets\/\w+/g) ?? [];
  return [
    ...missing('secret', secrets, file.secrets),
    ...missing('network', networkNames(service), file.networks),
    ...missing('service', Object.keys(depends_on), file.services),
    ...missing(
      'volume',
      sources.filter((source) => !isHostPath(source)),
      file.volumes,
    ),
    ...sources.filter((source) => isHostPath(source) && !existsSync(projectPath(source))).map((source) => `${name}: there is no ${source}`),
    ...mentioned
      .filter((path) => !secrets.includes(path.slice('/run/secrets/'.length)))
      .map((path) => `${name}: ${path} is not granted to it`),
  ];
}

function orderProblems(file: ComposeFile, name: string, { depends_on = {} }: Service): string[] {
  return Object.entries(depends_on).flatMap(([other, { condition }]) => {
    const target = file.services[other];
    if (target === undefined) return [];
    if (condition === 'service_healthy')
      return target.healthcheck?.test ? [] : [`${name} waits for the health of ${other}, which tells none`];
    if (condition === 'service_completed_successfully') return isOneShot(target) ? [] : [`${name} waits for the end of ${other}`];
    return [`${name} does not wait for ${other} to be ready`];
  });
}

function hardeningProblems(name: string, service: Service): string[] {
  const { image = '', user = '', read_only, cap_drop = [], security_opt = [], restart, healthcheck, deploy } = service;
  const limits = deploy?.resources?.limits ?? {};
  const checks: readonly (readonly [boolean, string])[] = [
    [/:v?\d[\w.-]*\.\d[\w.-]*$/.test(image), 'has no pinned image version'],
    [/^[1-9]\d*:[1-9]\d*$/.test(user), 'runs as root'],
    [read_only === true, 'can write to its root'],
    [cap_drop.includes('ALL'), 'keeps capabilities'],
    [security_opt.includes('no-new-privileges:true'), 'may gain privileges'],
    [['cpus', 'memory', 'pids'].every((limit) => Object.hasOwn(limits, limit)), 'has no resource limits'],
    [restart === 'unless-stopped' || restart === 'no', 'has no restart policy'],
    [isOneShot(service) || healthcheck?.test !== undefined, 'has no health check'],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => `${name} ${problem}`);
}

function networkProblems(file: ComposeFile): string[] {
  const addresses = Object.values(file.services).flatMap(addressesOf);
  const [{ subnet = '', ip_range = '' } = {}] = Object.values(file.networks).flatMap((network) => network?.ipam?.config ?? []);
  const isIn = (address: string, range: string) => ipaddr.parse(address).match(ipaddr.parseCIDR(range));
  const published = Object.entries(file.services).filter(([, { ports = [] }]) => ports.length > 0);
  return [
    ...addresses.filter((one, index) => addresses.indexOf(one) !== index).map((one) => `${one} is given twice`),
    ...addresses.filter((one) => !isIn(one, subnet) || isIn(one, ip_range)).map((one) => `${one} is outside the network, or may be taken`),
    ...published
      .filter(([, service]) => networkNames(service).some((network) => file.networks[network]?.internal))
      .map(([name]) => `${name} is on the database's network and is published`),
    ...published.flatMap(([name, { ports = [] }]) =>
      ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)).map((port) => `${name} publishes ${port} to everybody by default`),
    ),
  ];
}

const rows: Setting[] = Object.values(settings);

/** The environment that the container would have, with the secrets in `secretsFolder` in the place of `/run/secrets`. */
export function environmentOf(service: Service, plan: ImagePlan, secretsFolder: string): Record<string, string> {
  const entries = Object.entries({ ...plan.environment, ...service.environment });
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replace(/^\/run\/secrets\//, `${secretsFolder}/`)]));
}

function settingProblems(file: ComposeFile, name: string, service: Service, plan: ImagePlan, secretsFolder: string): string[] {
  const known = rows.flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env]));
  const unknown = Object.keys(service.environment ?? {}).filter((one) => !known.includes(one));
  const bare = Object.keys(service.environment ?? {}).filter((one) => rows.some(({ env, secret }) => env === one && secret));
  const problems = [
    ...unknown.map((one) => `${name}: ${one} is no setting`),
    ...bare.map((one) => `${name}: ${one} is a secret in the file`),
  ];
  try {
    const config = loadConfig(environmentOf(service, plan, secretsFolder));
    const proxies = addressesOf(file.services.proxy ?? {});
    // The mail server is its operator's to name.
    const warnings = config.warnings.filter((warning) => warning !== noMailWarning);
    problems.push(...warnings.map((warning) => `${name}: ${warning}`));
    if (String(config.trustedProxies) !== String(proxies))
      problems.push(`${name} trusts ${config.trustedProxies}, the proxy is ${proxies}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map(({ variable, problem }) => `${name}: ${variable} ${problem}`));
  }
  return problems;
}

/** Files that our image's container is told to run: in the image, or mounted into it. */
function programProblems(name: string, { entrypoint, command, healthcheck, volumes = [] }: Service, plan: ImagePlan): string[] {
  const words = [...(entrypoint ?? plan.entrypoint), ...(command ?? []), ...(healthcheck?.test ?? [])];
  const mounted = new Map(volumes.map((volume) => volume.split(':')).map(([source = '', target = '']) => [target, source]));
  const isThere = (path: string) => isInImage(plan, path) || existsSync(projectPath(mounted.get(`/app/${path}`) ?? 'nowhere'));
  return words.filter((word) => /\.m?js$/.test(word) && !isThere(word)).map((word) => `${name}: ${word} is not in the image`);
}

/** nginx reads another language: only what must agree with the compose file is looked at. */
function proxyProblems(file: ComposeFile, plan: ImagePlan, nginxText: string): string[] {
  const proxy = file.services.proxy ?? {};
  const upstreams = [...nginxText.matchAll(/^\s*server ([\d.]+:\d+) /gm)].map(([, address]) => address);
  const servers = Object.values(file.services).filter((service) => isOurs(service) && !isOneShot(service));
  const expected = servers.flatMap(addressesOf).map((address) => `${address}:${plan.environment.PORT}`);
  const listened = [...nginxText.matchAll(/^\s*listen (?:[\d.]+:)?(\d+)/gm)].map(([, port]) => port);
  const granted = (proxy.secrets ?? []).map((secret) => `/run/secrets/${secret}`);
  return [
    ...(String(upstreams) === String(expected) ? [] : [`the proxy passes to ${upstreams}, the servers are ${expected}`]),
    ...portsInside(proxy)
      .filter((port) => !listened.includes(port))
      .map((port) => `nobody listens on the proxy's port ${port}`),
    ...(nginxText.match(/\/run\/secrets\/\w+/g) ?? [])
      .filter((path) => !granted.includes(path))
      .map((path) => `proxy: ${path} is not granted`),
    ...(nginxText.includes('proxy_set_header X-Forwarded-For $remote_addr;') ? [] : ['the proxy passes on what clients say of themselves']),
  ];
}

export interface Surroundings {
  readonly plan: ImagePlan;
  readonly nginxText: string;
  /** Made by `deploy/make-secrets.sh`. */
  readonly secretsFolder: string;
}

/** Everything that is wrong with a compose file, as far as can be told without an engine. */
export function composeProblems(text: string, { plan, nginxText, secretsFolder }: Surroundings): string[] {
  const file = readCompose(text);
  const ignored = readFileSync(projectPath('.gitignore'), 'utf8').split('\n');
  const each = Object.entries(file.services).flatMap(([name, service]) => [
    ...referenceProblems(file, name, service),
    ...orderProblems(file, name, service),
    ...hardeningProblems(name, service),
    ...(isOurs(service) ? programProblems(name, service, plan) : []),
    ...(isOurs(service) && !isOneShot(service) ? settingProblems(file, name, service, plan, secretsFolder) : []),
    ...(isOurs(service) && service.user !== plan.user ? [`${name} runs as another user than the image's`] : []),
  ]);
  const secretFiles = Object.values(file.secrets).map(({ file: path }) => path);
  return [
    ...each,
    ...networkProblems(file),
    ...proxyProblems(file, plan, nginxText),
    ...secretFiles
      .filter((path) => !ignored.some((line) => line.endsWith('/') && path.startsWith(line)))
      .map((path) => `${path} may be committed`),
    ...secretFiles.filter((path) => !existsSync(join(secretsFolder, path.split('/').at(-1) ?? ''))).map((path) => `nothing makes ${path}`),
    ...[...text.matchAll(/\$\{(\w+)\}/g)].map(([, variable]) => `${variable} has no default`),
  ];
}
