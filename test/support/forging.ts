import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

export type Json = Record<string, unknown>;

const base64url = (value: string | Buffer): string => Buffer.from(value).toString('base64url');

/** A compact JWS over exactly these texts, whatever they say: libraries refuse to write half of what a forger writes. */
export function jws(header: string | Json, payload: string | Json, signer: (input: Buffer) => Buffer): string {
  const text = (part: string | Json) => (typeof part === 'string' ? part : JSON.stringify(part));
  const input = `${base64url(text(header))}.${base64url(text(payload))}`;
  return `${input}.${base64url(signer(Buffer.from(input)))}`;
}

export const es256 = (key: KeyObject) => (input: Buffer) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
export const es256Der = (key: KeyObject) => (input: Buffer) => sign('sha256', input, { key, dsaEncoding: 'der' });
export const rs256 = (key: KeyObject) => (input: Buffer) => sign('sha256', input, key);
export const rs512 = (key: KeyObject) => (input: Buffer) => sign('sha512', input, key);
export const ps256 = (key: KeyObject) => (input: Buffer) =>
  sign('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
export const hs256 = (key: KeyObject | Buffer | string) => (input: Buffer) => createHmac('sha256', key).update(input).digest();
export const signature = (bytes: Buffer) => () => bytes;

const signers = { ES256: es256, RS256: rs256, HS256: hs256 };
export const signerOf = (algorithm: keyof typeof signers, key: KeyObject) => signers[algorithm](key);

/** The parts of a compact JWS, decoded. */
export function partsOf(token: string): {
  readonly header: Json;
  readonly claims: Json;
  readonly segments: readonly [string, string, string];
} {
  const [head = '', body = '', mark = ''] = token.split('.');
  const parse = (segment: string) => JSON.parse(Buffer.from(segment, 'base64url').toString('utf8')) as Json;
  return { header: parse(head), claims: parse(body), segments: [head, body, mark] };
}

export function without(object: Json, name: string): Json {
  const { [name]: _, ...rest } = object;
  return rest;
}

/** Another spelling of the same bytes: a bit that the last character does not need is set. */
export function withStrayBit(segment: string): string {
  if (segment.length % 4 === 0) throw new Error('every bit of this segment counts');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return segment.slice(0, -1) + (alphabet[alphabet.indexOf(segment.slice(-1)) ^ 1] ?? '');
}
