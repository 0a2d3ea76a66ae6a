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
const programName = /^([A-Za-z][\w.+-]{0,31})(?:\/[\w.+-]{1,31})?(?:\s|$)/;

function labelOf(browser: string | null, os: string | null): string {
  if (browser !== null && os !== null) return `${browser} on ${os}`;
  return browser ?? os ?? unknownDevice.label;
}

/** What the user agent string tells. The string is the client's own claim: good for a label, never for a decision of rights. */
export function deviceOf(userAgent: string | null): DeviceRecord {
  if (userAgent === null || userAgent.trim() === '') return unknownDevice;
  if (!userAgent.startsWith('Mozilla/') && !userAgent.startsWith('Opera/')) {
    const program = programName.exec(userAgent)?.[1];
    return program === undefined ? unknownDevice : { label: program, browser: null, os: null, kind: 'PROGRAM' };
  }
  const parsed = Bowser.parse(userAgent);
  const browser = parsed.browser.name || null;
  const os = parsed.os.name || null;
  // The parser knows the platform of every desktop system but this one.
  const platform = parsed.platform.type ?? (os === 'Chrome OS' ? 'desktop' : '');
  return { label: labelOf(browser, os), browser, os, kind: kindByPlatform[platform] ?? 'UNKNOWN' };
}
