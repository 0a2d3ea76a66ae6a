import { readFileSync } from 'node:fs';
import { projectPath } from '../architecture/project.js';

const text = readFileSync(projectPath('docs/services.md'), 'utf8');

/** The blocks of docs/services.md in that language, in their order. */
export function blocks(language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , block = '']) => block);
}
