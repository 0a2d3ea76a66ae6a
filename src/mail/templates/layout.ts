import type { Part, Template } from './templates.js';

/** The template as plain text, lines ended by `\n`. A text that somebody chose cannot begin a line of its own. */
export function asText({ parts }: Template): string {
  return `${parts.map(textOf).join('\n\n')}\n`;
}

/** The template as an HTML document without scripts, images or anything else from elsewhere. */
export function asHtml({ subject, parts }: Template, language: string): string {
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(language)}">`,
    `<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; margin: 0 auto; padding: 1em">',
    ...parts.map(htmlOf),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function textOf(part: Part): string {
  switch (part.kind) {
    case 'text':
      return oneLine(part.text);
    case 'link':
      return part.url;
    case 'facts':
      return part.facts.map(([name, value]) => `${name}: ${oneLine(value)}`).join('\n');
  }
}

function htmlOf(part: Part): string {
  switch (part.kind) {
    case 'text':
      return `<p>${escapeHtml(oneLine(part.text))}</p>`;
    case 'link': {
      const url = escapeHtml(part.url);
      return `<p><a href="${url}">${escapeHtml(part.label)}</a><br><small>${url}</small></p>`;
    }
    case 'facts': {
      const lines = part.facts.map(([name, value]) => `${escapeHtml(name)}: <strong>${escapeHtml(oneLine(value))}</strong>`);
      return `<p>${lines.join('<br>')}</p>`;
    }
  }
}

/** Control characters, line ends and those that turn the direction of text (UAX 9) among them, become spaces. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
