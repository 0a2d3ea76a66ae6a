import { satisfies } from 'semver';
import { type LockFile, nameOf } from './lock-file.js';

interface BadVersions {
  readonly name: string;
  /** A range of semantic versions, as the advisory has it. */
  readonly affected: string;
  /** The id in GitHub's database of advisories. */
  readonly advisory: string;
  readonly about: string;
}

/**
 * Versions that must not come back, by an update, an override or a copy that some package brings along. Only packages that the lock
 * file holds; `npm audit` knows more, where it can be asked.
 */
export const knownBadVersions: readonly BadVersions[] = [
  {
    name: '@apollo/server',
    affected: '<5.5.0',
    advisory: 'GHSA-9q82-xgwf-vj6h',
    about: 'a GET with another content type passes as no CSRF',
  },
  { name: 'body-parser', affected: '<1.20.6 || >=2.0.0 <2.3.0', advisory: 'GHSA-v422-hmwv-36x6', about: 'an invalid size limit is none' },
  {
    name: 'brace-expansion',
    affected: '<2.1.6 || >=5.0.0 <5.0.11',
    advisory: 'GHSA-qhr7-859c-m2p7',
    about: 'a pattern exhausts the stack',
  },
  { name: 'esbuild', affected: '<=0.24.2', advisory: 'GHSA-67mh-4wv8-2f99', about: 'any page reads from the development server' },
  { name: 'fast-uri', affected: '<3.1.7 || >=4.0.0 <4.1.4', advisory: 'GHSA-qw65-cvwx-89v3', about: 'a port that smuggles in a host' },
  { name: 'fast-uri', affected: '<3.1.8', advisory: 'GHSA-hrr3-gc8f-f4qj', about: 'a host that is compared in two spellings' },
  { name: 'fastify', affected: '>=5.0.0 <5.3.2', advisory: 'GHSA-mg2h-6x62-wpwc', about: 'a content type passes by the validation' },
  { name: 'fastify', affected: '<5.7.2', advisory: 'GHSA-jx2c-rxcm-jvmq', about: 'a tab in the content type passes by the validation' },
  {
    name: 'fastify',
    affected: '>=5.3.2 <=5.8.4',
    advisory: 'GHSA-247c-9743-5963',
    about: 'a space in the content type passes by the validation',
  },
  {
    name: 'fastify',
    affected: '<5.12.1',
    advisory: 'GHSA-3m5p-2c4r-xxw2',
    about: 'a client chooses its address where proxies are counted',
  },
  { name: 'fastify', affected: '<5.12.2', advisory: 'GHSA-p68q-wchp-6fh7', about: 'a malformed URL passes by the hooks' },
  { name: 'find-my-way', affected: '<8.2.2 || 9.0.0', advisory: 'GHSA-rrr8-f88r-h8q6', about: 'a URL keeps the router busy' },
  {
    name: 'jsonwebtoken',
    affected: '<9.0.0',
    advisory: 'GHSA-qwph-4952-7xr6',
    about: 'a token without a signature passes where no key is given',
  },
  { name: 'jws', affected: '<3.2.3 || 4.0.0', advisory: 'GHSA-869p-cjfg-cm3x', about: 'HMAC signatures are verified with an empty secret' },
  { name: 'lodash', affected: '>=4.0.0 <=4.17.23', advisory: 'GHSA-r5fr-rjxr-66jc', about: 'names of imports run as code in templates' },
  { name: 'mongoose', affected: '<8.9.5', advisory: 'GHSA-vg7j-7cwx-8wgw', about: '$where inside the match of populate' },
  { name: 'mongoose', affected: '<8.22.1', advisory: 'GHSA-wpg9-53fq-2r8h', about: '$nor passes by sanitizeFilter' },
  { name: 'mongoose', affected: '<8.24.1 || >=9.0.0 <9.7.2', advisory: 'GHSA-664h-wqgq-64gw', about: '__proto__ in the path of an update' },
  { name: 'sha.js', affected: '<=2.4.11', advisory: 'GHSA-95m3-7q98-8xr5', about: 'a crafted object rewinds the hash' },
  { name: 'validator', affected: '<13.15.22', advisory: 'GHSA-vghf-hv5q-vc2g', about: 'characters that have no length' },
  { name: 'vite', affected: '>=8.0.0 <=8.0.4', advisory: 'GHSA-p9ff-h696-f583', about: 'any file is read through the development server' },
  { name: 'vite', affected: '<=8.0.15', advisory: 'GHSA-fx2h-pf6j-xcff', about: 'denied files are read on Windows' },
  { name: 'ws', affected: '<8.21.0', advisory: 'GHSA-96hv-2xvq-fx4p', about: 'tiny fragments exhaust the memory' },
];

/** Every copy in the lock file, at any depth, that an advisory of the table concerns: one line each. */
export function badCopies({ packages }: LockFile, table = knownBadVersions): string[] {
  return Object.entries(packages).flatMap(([path, { version }]) =>
    table
      .filter(
        ({ name, affected }) => name === nameOf(path) && version !== undefined && satisfies(version, affected, { includePrerelease: true }),
      )
      .map(({ advisory, about }) => `${path} ${version}: ${advisory}, ${about}`),
  );
}
