import { AccessTokens } from '../../src/auth/access-tokens.js';
import { Audit } from '../../src/auth/audit.js';
import { Clock, type MachineClocks } from '../../src/auth/clock.js';
import type { Log } from '../../src/auth/log.js';
import { RoleBook } from '../../src/auth/role-book.js';
import { builtInRoles } from '../../src/auth/roles.js';
import { ServerKeys } from '../../src/auth/server-keys.js';
import type { SigningAlgorithm } from '../../src/auth/signing-key.js';
import { SigningKeys } from '../../src/auth/signing-keys.js';
import { Throttle } from '../../src/auth/throttle.js';
import type { DelayPolicy } from '../../src/auth/throttle-decision.js';
import { passwordLimits } from '../../src/auth/throttle-limits.js';
import type { RequestFacts } from '../../src/auth/viewer.js';
import { KeyWrapping } from '../../src/auth/wrapped-keys.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import { aKey, t0 } from './records.js';

/** The clocks of a machine, standing still until they are moved. */
export class FakeTime implements MachineClocks {
  private passed = 0;

  constructor(private instant = t0) {}

  readonly wall = (): number => this.instant;
  readonly monotonic = (): number => this.passed;

  /** Time goes by. */
  move(milliseconds: number): void {
    this.instant += milliseconds;
    this.passed += milliseconds;
  }

  /** Somebody sets the wall clock, backwards too. */
  leap(milliseconds: number): void {
    this.instant += milliseconds;
  }

  set(instant: number): void {
    this.move(instant - this.instant);
  }
}

/** A clock without a store of its own. */
export const aClock = (time: FakeTime): Clock => new Clock({ readStoreClock: async () => null, machine: time });

/** An audit log that is kept for a year. */
export const anAudit = (store: Store, time = new FakeTime(), log: Log = new RecordingLog()): Audit =>
  new Audit({ store, clock: aClock(time), log, config: { auditHistorySeconds: 365 * 86_400 } });

/** One process's throttle. All have one key, so that several on one store count the same things. */
export const aThrottle = (
  store: Store,
  time = new FakeTime(),
  log: Log = new RecordingLog(),
  throttle = true,
  limits: Readonly<Record<keyof typeof passwordLimits, DelayPolicy>> = passwordLimits,
): Throttle =>
  new Throttle({
    store,
    clock: aClock(time),
    log,
    config: { throttle },
    blindingKeys: [{ record: aKey({ purpose: 'blinding' }), material: Buffer.alloc(32, 'blind') }],
    limits,
    // Tests measure no time: a busy machine is no reason to be refused.
    patience: { attempt: 60_000, change: 60_000, settling: 60_000 },
  });

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly details: object;
  readonly message: string;
}

/** Keeps what is written, for tests to look at. */
export class RecordingLog implements Log {
  readonly lines: LogLine[] = [];
  info = (details: object, message: string): void => void this.lines.push({ level: 'info', details, message });
  warn = (details: object, message: string): void => void this.lines.push({ level: 'warn', details, message });
  error = (details: object, message: string): void => void this.lines.push({ level: 'error', details, message });
}

export function aRequest(overrides: Partial<RequestFacts> = {}): RequestFacts {
  return {
    requestId: 'request-1',
    ipAddress: '192.0.2.1',
    userAgent: 'Test/1.0',
    accessToken: null,
    answered: Promise.resolve(),
    ...overrides,
  };
}

export const aSecret = (name = 'A'): string => `${name}: 0123456789 abcdefghijklmnopqrstuvwxyz`;

/** An empty store that goes with the process. */
export const memoryStore = (): Promise<Store> => openStore('sqlite::memory:');

/** The store with some of its verbs replaced. */
export function storeWith(store: Store, verbs: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const own = Reflect.get(verbs, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A way to a database that tells of no changes, as a stand-alone MongoDB: every access token is then checked by a read. */
export const withoutFeed =
  (open: (url: string) => Promise<Store>) =>
  async (url: string): Promise<Store> =>
    storeWith(await open(url), { watchChanges: async () => null });

/** The roles of a service whose settings name none. */
export const aRoleBook = (): RoleBook => new RoleBook(builtInRoles);

export const tokenConfig = {
  publicUrl: 'https://auth.example.com',
  audience: 'https://api.example.com',
  clientId: 'latchkey',
  accessTokenTtlSeconds: 3_600,
  tokenClaims: [] as readonly string[],
};

export interface RingOptions {
  readonly store?: Store;
  readonly time?: FakeTime;
  readonly log?: Log;
  readonly secrets?: readonly string[];
  readonly algorithm?: SigningAlgorithm;
  readonly keyRotationSeconds?: number;
  readonly accessTokenTtlSeconds?: number;
}

/** One node's signing keys, over a store of its own unless given one. */
export async function openRing(options: RingOptions = {}): Promise<SigningKeys> {
  const { time = new FakeTime(), log = new RecordingLog(), secrets = [aSecret()], algorithm = 'ES256' } = options;
  const store = options.store ?? (await memoryStore());
  const { keyRotationSeconds = 30 * 86_400, accessTokenTtlSeconds = tokenConfig.accessTokenTtlSeconds } = options;
  return SigningKeys.open({
    serverKeys: new ServerKeys({ store, wrapping: new KeyWrapping(secrets) }),
    clock: aClock(time),
    log,
    config: { signingAlgorithm: algorithm, keyRotationSeconds, accessTokenTtlSeconds },
  });
}

export interface Issuing {
  readonly time: FakeTime;
  readonly store: Store;
  readonly keys: SigningKeys;
  readonly tokens: AccessTokens;
}

/** Access tokens over a ring of their own. */
export async function openIssuing(
  algorithm: SigningAlgorithm = 'ES256',
  overrides: Partial<typeof tokenConfig> & { readonly random?: () => number; readonly store?: Store; readonly time?: FakeTime } = {},
): Promise<Issuing> {
  const { random = () => 0, time = new FakeTime(), store = await memoryStore(), ...settings } = overrides;
  const config = { ...tokenConfig, ...settings };
  const keys = await openRing({ algorithm, store, time, accessTokenTtlSeconds: config.accessTokenTtlSeconds });
  return { time, store, keys, tokens: new AccessTokens({ keys, clock: aClock(time), roles: aRoleBook(), config, random }) };
}
