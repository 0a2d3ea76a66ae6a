/** A frame that nobody overlooks, for what is skipped. */
export function banner(...lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  const edge = '#'.repeat(width + 6);
  return ['', edge, ...lines.map((line) => `## ${line.padEnd(width)} ##`), edge, '', ''].join('\n');
}
