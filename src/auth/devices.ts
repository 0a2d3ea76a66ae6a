import Bowser from 'bowser';
import { type DeviceKind, type DeviceRecord, unknownDevice } from '../store/records.js';

const kindByPlatform: Readonly<Record<string, DeviceKind>> = {
  desktop: 'DESKTOP',
  mobile: 'MOBILE',
  tablet: 'TABLET',
  tv: 'TV',
  bot: 'BOT',
};

/** The product token of a client that is not a browser (RFC 9110 10.1.5): `curl/8.5.0`, `python-requests/2.31`, `node`. */
const programName = /^([A-Za-z][\w-]{0,31})(?:\/[\w.+-]{1,31})?(?:\s|$)/;

/** Where the parser knows no browser it gives a piece of the string as one: only names of its own tables are names. */
const browsers: ReadonlySet<unknown> = new Set(Object.values(Bowser.BROWSER_MAP));
const systems: ReadonlySet<unknown> = new Set(Object.values(Bowser.OS_MAP));

/** Characters. */
const longestLabel = 60;

function labelOf(browser: string | null, os: string | null): string {
  const label = browser !== null && os !== null ? `${browser} on ${os}` : (browser ?? os ?? unknownDevice.label);
  return label.slice(0, longestLabel);
}

const knownOf = (known: ReadonlySet<unknown>, name: string | undefined): string | null =>
  name !== undefined && known.has(name) ? name : null;

/**
 * What the user agent string tells. The string is the client's own claim: good for a label, never for a decision of rights. The label goes into
 * mails to somebody else than whoever sent the string: it holds nothing that a reader, or a mail program, takes for a sentence or a link.
 */
export function deviceOf(userAgent: string | null): DeviceRecord {
  if (userAgent === null || userAgent.trim() === '') return unknownDevice;
  if (!userAgent.startsWith('Mozilla/') && !userAgent.startsWith('Opera/')) {
    const program = programName.exec(userAgent)?.[1];
    return program === undefined ? unknownDevice : { label: program, browser: null, os: null, kind: 'PROGRAM' };
  }
  const parsed = Bowser.parse(userAgent);
  const browser = knownOf(browsers, parsed.browser.name);
  const os = knownOf(systems, parsed.os.name);
  // The parser knows the platform of every desktop system but this one.
  const platform = parsed.platform.type ?? (os === 'Chrome OS' ? 'desktop' : '');
  return { label: labelOf(browser, os), browser, os, kind: kindByPlatform[platform] ?? 'UNKNOWN' };
}
