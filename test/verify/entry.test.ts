import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { projectPath } from '../architecture/project.js';

/** Node tells each module that it loads, of both kinds, by the hooks that it has for that. */
const hooks = `
  import { writeSync } from 'node:fs';
  export async function load(url, context, next) {
    writeSync(1, url + '\\n');
    return next(url, context);
  }`;
const program = `
  import { createRequire, register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
  const loaded = await import('latchkey/verify');
  console.log('exports ' + Object.keys(loaded).sort());
  for (const file of Object.keys(createRequire(import.meta.url).cache)) console.log('required ' + file);`;

function loading(entry: string): { readonly files: string[]; readonly rest: string[] } {
  const parameters = ['--no-warnings', '--input-type=module', '--eval', program.replace('latchkey/verify', entry)];
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { cwd: projectPath('.'), encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const lines = stdout.trim().split('\n');
  return {
    files: lines.filter((line) => line.startsWith('file:')).map((url) => fileURLToPath(url)),
    rest: lines.filter((line) => !/^(file|node):/.test(line)),
  };
}

describe('latchkey/verify', () => {
  const places = [projectPath('dist/verify/'), projectPath('node_modules/jose/')].map((place) => join(place, '/'));
  const isElsewhere = (file: string) => !places.some((place) => file.startsWith(place));

  it('loads its own files and jose, nothing of the server, and exports what the manual names', () => {
    const { files, rest } = loading('latchkey/verify');
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter(isElsewhere)).toEqual([]);
    expect(rest).toEqual(['exports TokenRefusedError,VerifierUnavailableError,bearerToken,createVerifier']);
  });

  it('would be found out: the entry of the service itself loads more', () => {
    const elsewhere = loading('latchkey').files.filter(isElsewhere).join('\n');
    for (const name of ['fastify', 'bcrypt']) expect(elsewhere).toContain(`/node_modules/${name}/`);
  });
});
