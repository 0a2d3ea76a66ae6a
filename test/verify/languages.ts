import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { projectPath } from '../architecture/project.js';
import { banner } from '../support/banner.js';

/** How to run the example of a language. */
export interface LanguageProgram {
  readonly command: string;
  readonly parameters: readonly string[];
}

interface Language {
  readonly library: string;
  /** On the PATH. */
  readonly needs: readonly string[];
  /** Fetches and builds into the folder what the example needs; throws where that fails. */
  readonly install: (folder: string) => void;
  readonly program: (folder: string) => LanguageProgram;
}

const source = (path: string): string => projectPath(`examples/${path}`);

function run(command: string, parameters: readonly string[], cwd = projectPath('.')): void {
  const { status, error, stderr } = spawnSync(command, parameters, { cwd, encoding: 'utf8', timeout: 600_000 });
  if (status !== 0) throw error ?? new Error(`${command} ${parameters.join(' ')}: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
}

const isOnPath = (name: string): boolean => (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));

export const languages: Readonly<Record<string, Language>> = {
  python: {
    library: 'PyJWT',
    needs: ['python3'],
    install: (folder) => {
      run('python3', ['-m', 'venv', folder]);
      run(join(folder, 'bin/pip'), ['install', '--quiet', '-r', source('python/requirements.txt')]);
    },
    program: (folder) => ({ command: join(folder, 'bin/python'), parameters: [source('python/verify.py')] }),
  },
  go: {
    library: 'golang-jwt',
    needs: ['go'],
    install: (folder) => run('go', ['build', '-o', join(folder, 'verify'), '.'], source('go')),
    program: (folder) => ({ command: join(folder, 'verify'), parameters: [] }),
  },
  java: {
    library: 'nimbus-jose-jwt',
    needs: ['java', 'javac', 'mvn'],
    install: (folder) => {
      run('mvn', ['-q', '-B', '-f', source('java/pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]);
      const jars = readdirSync(folder).filter((name) => name.endsWith('.jar'));
      run('javac', ['-d', folder, '-cp', jars.map((name) => join(folder, name)).join(delimiter), source('java/Verify.java')]);
    },
    program: (folder) => ({ command: 'java', parameters: ['-cp', `${folder}${delimiter}${join(folder, '*')}`, 'Verify'] }),
  },
};

/** Named by what it is made from, so that a change is built anew and nothing else is. */
function cacheFolder(name: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(source(name)).sort()) hash.update(file).update(readFileSync(source(`${name}/${file}`)));
  return projectPath(`node_modules/.cache/latchkey/example-${name}-${hash.digest('hex').slice(0, 12)}`);
}

/** A marker written last tells a whole installation from one that was interrupted (a virtual environment cannot be moved). */
function installed(name: string, { install, program }: Language): LanguageProgram {
  const folder = cacheFolder(name);
  const marker = join(folder, 'complete');
  if (!existsSync(marker)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    install(folder);
    writeFileSync(marker, '');
  }
  return program(folder);
}

/**
 * Ready to run, or null, loudly, where the language or its library is not to be had; with `REQUIRE_LANGUAGES=1` an error instead. Waits for its
 * downloads, so that whether tests are skipped is known before they are declared.
 */
export function provideLanguage(name: string, language: Language): LanguageProgram | null {
  const missing = language.needs.filter((one) => !isOnPath(one));
  let reason = `There is no ${missing.join(', ')} on the PATH.`;
  if (missing.length === 0) {
    try {
      return installed(name, language);
    } catch (error) {
      reason = `The example could not be built: ${String(error).slice(0, 300)}`;
    }
  }
  const { library } = language;
  if (process.env.REQUIRE_LANGUAGES === '1') throw new Error(`REQUIRE_LANGUAGES=1, and ${library} cannot be tested with. ${reason}`);
  process.stderr.write(banner(`THE TESTS WITH ${library.toUpperCase()} ARE SKIPPED`, reason));
  return null;
}
