import { readFileSync } from 'node:fs';
import { projectPath } from './project.js';

/** What `package-lock.json` says of one installed package. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
export interface LockFile {
  readonly lockfileVersion: number;
  /** By path; the root has the empty one. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export const lockFile = JSON.parse(readFileSync(projectPath('package-lock.json'), 'utf8')) as LockFile;
export const root: LockedPackage = lockFile.packages[''] ?? {};
/** Our own: the root, `client/` and the link to that. */
const ownPaths = ['', 'client', 'node_modules/latchkey-client'];
export const ownLink: LockedPackage | undefined = lockFile.packages['node_modules/latchkey-client'];
/** Every package of somebody else, with its path. */
export const lockedPackages: readonly (readonly [path: string, entry: LockedPackage])[] = Object.entries(lockFile.packages).filter(
  ([path]) => !ownPaths.includes(path),
);

/** `node_modules/a/node_modules/@b/c` is a copy of `@b/c`. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
