import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { FlattenedSign, SignJWT, UnsecuredJWT } from 'jose';
import type { SigningAlgorithm, SigningKey } from '../../src/auth/signing-key.js';
import {
  es256,
  es256Der,
  hs256,
  type Json,
  jws,
  partsOf,
  ps256,
  rs256,
  rs512,
  signature,
  signerOf,
  without,
  withStrayBit,
} from '../support/forging.js';
import { t0 } from '../support/records.js';

const nowSeconds = t0 / 1_000;
const strangers = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  HS256: createSecretKey(randomBytes(32)),
};
/** A key of somebody else. */
const stranger = (algorithm: SigningAlgorithm): KeyObject => strangers[algorithm];

/** The order of the group of P-256. */
const orderOfP256 = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

/** A genuine token, what it is made of, and the key that made it. */
export interface Genuine {
  readonly token: string;
  readonly header: Json;
  readonly claims: Json;
  readonly segments: readonly [string, string, string];
  readonly key: SigningKey;
  /** Signs whatever it is given as the server would. */
  readonly sign: (header: string | Json, claims: string | Json) => string;
}
export type Forgery = (genuine: Genuine) => string | Promise<string>;

/** What a server must refuse whatever its algorithm. */
const common: Record<string, Forgery> = {
  // ------------------------------------------------------------------------------------ no signature (RFC 8725 3.2)
  'alg none by jose': ({ claims }) => new UnsecuredJWT(claims).encode(),
  'alg none with our kid': ({ header, claims }) => jws({ ...header, alg: 'none' }, claims, signature(Buffer.alloc(0))),
  'alg None': ({ header, claims }) => jws({ ...header, alg: 'None' }, claims, signature(Buffer.alloc(0))),
  'alg none over a genuine signature': ({ sign, header, claims }) => sign({ ...header, alg: 'none' }, claims),
  'signature stripped': ({ segments }) => `${segments[0]}.${segments[1]}.`,
  'signature stripped with its dot': ({ segments }) => `${segments[0]}.${segments[1]}`,
  'signature truncated by a byte': ({ header, claims, key }) =>
    jws(header, claims, (input) => signerOf(key.algorithm, key.signingKey)(input).subarray(0, -1)),
  'signature longer by a byte': ({ header, claims, key }) =>
    jws(header, claims, (input) => Buffer.concat([signerOf(key.algorithm, key.signingKey)(input), Buffer.alloc(1)])),
  'signature of zeros': ({ header, claims, key }) =>
    jws(header, claims, signature(Buffer.alloc(key.algorithm === 'RS256' ? 256 : key.algorithm === 'ES256' ? 64 : 32))),
  "another token's signature": ({ segments, sign, header, claims }) =>
    `${segments[0]}.${segments[1]}.${partsOf(sign(header, { ...claims, jti: 'other' })).segments[2]}`,
  "another token's claims": ({ segments, claims }) =>
    `${segments[0]}.${Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url')}.${segments[2]}`,

  // ------------------------------------------------------------------------------------ keys and algorithms (RFC 8725 2.1, 3.1)
  'another key under our kid, by jose': ({ header, claims, key }) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: key.algorithm }).sign(stranger(key.algorithm)),
  'an ES256 key under our kid': ({ header, claims }) => jws({ ...header, alg: 'ES256' }, claims, es256(stranger('ES256'))),
  'an RS256 key under our kid': ({ header, claims }) => jws({ ...header, alg: 'RS256' }, claims, rs256(stranger('RS256'))),
  'HS256 with an empty key': ({ header, claims }) => jws({ ...header, alg: 'HS256' }, claims, hs256('')),
  'HS256 with the kid as key': ({ header, claims, key }) => jws({ ...header, alg: 'HS256' }, claims, hs256(key.kid)),
  'alg in lower case': ({ header, claims, sign, key }) => sign({ ...header, alg: key.algorithm.toLowerCase() }, claims),
  'alg as an array': ({ header, claims, sign, key }) => sign({ ...header, alg: [key.algorithm] }, claims),
  'alg missing': ({ header, claims, sign }) => sign(without(header, 'alg'), claims),

  // ------------------------------------------------------------------------------------ kid
  'an unknown kid': ({ header, claims, sign }) => sign({ ...header, kid: 'unknown' }, claims),
  'no kid': ({ header, claims, sign }) => sign(without(header, 'kid'), claims),
  'an empty kid': ({ header, claims, sign }) => sign({ ...header, kid: '' }, claims),
  'a kid that is null': ({ header, claims, sign }) => sign({ ...header, kid: null }, claims),
  'a kid that is an array': ({ header, claims, sign, key }) => sign({ ...header, kid: [key.kid] }, claims),
  'a kid that is a path': ({ header, claims }) => jws({ ...header, alg: 'HS256', kid: '../../../../dev/null' }, claims, hs256('')),
  'a kid that is a path to ours': ({ header, claims, sign, key }) => sign({ ...header, kid: `./${key.kid}` }, claims),
  'a kid that ends in NUL': ({ header, claims, sign, key }) => sign({ ...header, kid: `${key.kid}\0` }, claims),
  'a kid of SQL': ({ header, claims, sign }) => sign({ ...header, kid: "' OR 1=1 --" }, claims),
  'a kid of another case': ({ header, claims, sign, key }) => sign({ ...header, kid: key.kid.toUpperCase() }, claims),
  'a kid of every object': ({ header, claims, sign }) => sign({ ...header, kid: '__proto__' }, claims),
  'a kid of 129 characters': ({ header, claims, sign }) => sign({ ...header, kid: 'k'.repeat(129) }, claims),

  // ------------------------------------------------------------------------------------ other members of the header (RFC 8725 3.10, 3.11)
  'typ JWT': ({ header, claims, sign }) => sign({ ...header, typ: 'JWT' }, claims),
  'no typ': ({ header, claims, sign }) => sign(without(header, 'typ'), claims),
  'typ application/at+jwt': ({ header, claims, sign }) => sign({ ...header, typ: 'application/at+jwt' }, claims),
  'typ AT+JWT': ({ header, claims, sign }) => sign({ ...header, typ: 'AT+JWT' }, claims),
  'typ dpop+jwt': ({ header, claims, sign }) => sign({ ...header, typ: 'dpop+jwt' }, claims),
  'crit of something unknown': ({ header, claims, sign }) => sign({ ...header, crit: ['x'], x: 1 }, claims),
  'crit of something known': ({ header, claims, sign }) => sign({ ...header, crit: ['exp'], exp: nowSeconds + 60 }, claims),
  'an empty crit': ({ header, claims, sign }) => sign({ ...header, crit: [] }, claims),
  'b64 false': ({ header, claims, key }) => jws({ ...header, b64: false, crit: ['b64'] }, claims, signerOf(key.algorithm, key.signingKey)),
  'b64 true': ({ header, claims, sign }) => sign({ ...header, b64: true }, claims),
  'an embedded jwk of its own': ({ claims, header }) =>
    jws({ ...header, alg: 'ES256', jwk: jwkOf(stranger('ES256')) }, claims, es256(stranger('ES256'))),
  'an embedded jwk over a genuine signature': ({ header, claims, sign }) => sign({ ...header, jwk: jwkOf(stranger('ES256')) }, claims),
  'a jku': ({ header, claims, sign }) => sign({ ...header, jku: 'https://evil.example.com/jwks.json' }, claims),
  'an x5u': ({ header, claims, sign }) => sign({ ...header, x5u: 'https://evil.example.com/cert.pem' }, claims),
  'an x5c': ({ header, claims, sign }) => sign({ ...header, x5c: ['MIIB'] }, claims),
  'zip DEF': ({ header, claims, sign }) => sign({ ...header, zip: 'DEF' }, claims),
  'cty JWT': ({ header, claims, sign }) => sign({ ...header, cty: 'JWT' }, claims),
  'an enc, as of a JWE': ({ header, claims, sign }) => sign({ ...header, enc: 'A256GCM' }, claims),
  'a header that is no JSON': ({ claims, sign }) => sign('{"alg":', claims),
  'a header that is an array': ({ header, claims, sign }) => sign(JSON.stringify([header]), claims),
  'a header that is null': ({ claims, sign }) => sign('null', claims),
  'alg twice, the last none': ({ header, claims, sign, key }) =>
    sign(`{"alg":"${key.algorithm}","typ":"at+jwt","kid":"${header.kid}","alg":"none"}`, claims),
  'kid twice, the last unknown': ({ header, claims, sign, key }) =>
    sign(`{"alg":"${key.algorithm}","typ":"at+jwt","kid":"${header.kid}","kid":"unknown"}`, claims),

  // ------------------------------------------------------------------------------------ form
  'an empty text': () => '',
  'dots alone': () => '..',
  'two segments': ({ segments }) => `${segments[0]}.${segments[2]}`,
  'four segments': ({ token }) => `${token}.AAAA`,
  'an empty fourth segment': ({ token }) => `${token}.`,
  'five segments, as of a JWE': ({ token }) => `${token}.AAAA.AAAA`,
  'the flattened JSON serialization, by jose': async ({ header, claims, key }) =>
    JSON.stringify(
      await new FlattenedSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ ...header, alg: key.algorithm })
        .sign(key.signingKey),
    ),
  'the general JSON serialization': ({ segments }) =>
    JSON.stringify({ payload: segments[1], signatures: [{ protected: segments[0], signature: segments[2] }] }),
  'a stray bit in the signature': ({ segments }) => `${segments[0]}.${segments[1]}.${withStrayBit(segments[2])}`,
  'a stray bit in the claims, signed so': ({ key, header, claims }) => strayBitSigned(header, claims, key),
  'padding after the signature': ({ token }) => `${token}=`,
  'padding after the header': ({ segments }) => `${segments[0]}==.${segments[1]}.${segments[2]}`,
  'a space before': ({ token }) => ` ${token}`,
  'a line break after': ({ token }) => `${token}\n`,
  'a space in the claims': ({ segments }) => `${segments[0]}.${segments[1].slice(0, 8)} ${segments[1].slice(8)}.${segments[2]}`,
  'a line break in the signature': ({ segments }) => `${segments[0]}.${segments[1]}.${segments[2].slice(0, 8)}\n${segments[2].slice(8)}`,
  'the other alphabet of base64': ({ header, claims, key }) => otherAlphabet(header, claims, key),
  'a NUL after': ({ token }) => `${token}\0`,
  'Bearer before': ({ token }) => `Bearer ${token}`,
  'over 8 KB': ({ header, claims, sign }) => sign(header, { ...claims, pad: 'p'.repeat(8_192) }),

  // ------------------------------------------------------------------------------------ claims
  'claims that are no JSON': ({ header, sign }) => sign(header, 'claims'),
  'claims that are an array': ({ header, claims, sign }) => sign(header, JSON.stringify([claims])),
  'claims that are null': ({ header, sign }) => sign(header, 'null'),
  'claims that are a string': ({ header, sign }) => sign(header, '"claims"'),
  'a JWT within a JWT': ({ header, token, sign }) => sign(header, token),
  'a JWT within a JWT, as a JSON string': ({ header, token, sign }) => sign(header, JSON.stringify(token)),
  ...Object.fromEntries(
    ['iss', 'aud', 'exp', 'iat', 'sub', 'sid', 'jti', 'gen', 'ver', 'epoch', 'roles', 'scope', 'client_id', 'email_verified'].map(
      (name): [string, Forgery] => [`no ${name}`, ({ header, claims, sign }) => sign(header, without(claims, name))],
    ),
  ),
  ...Object.fromEntries(
    (
      [
        ['iss', 1],
        ['iss', null],
        ['iss', ['https://auth.example.com']],
        ['iss', 'https://evil.example.com'],
        ['iss', 'https://auth.example.com/'],
        ['iss', 'https://auth.example.com.evil.example'],
        ['iss', 'HTTPS://AUTH.EXAMPLE.COM'],
        ['iss', ''],
        ['aud', 'https://other.example.com'],
        ['aud', ['https://api.example.com']],
        ['aud', ['https://other.example.com', 'https://api.example.com']],
        ['aud', { 0: 'https://api.example.com' }],
        ['aud', []],
        ['aud', true],
        ['aud', ''],
        ['exp', `${nowSeconds + 60}`],
        ['exp', nowSeconds + 60.5],
        ['exp', null],
        ['exp', true],
        ['exp', -1],
        ['exp', 0],
        ['exp', 1e300],
        ['exp', [nowSeconds + 60]],
        ['exp', { $gt: 0 }],
        ['iat', `${nowSeconds}`],
        ['iat', nowSeconds + 0.5],
        ['iat', null],
        ['iat', -nowSeconds],
        ['iat', nowSeconds + 31],
        ['nbf', nowSeconds + 31],
        ['sub', 1],
        ['sub', ''],
        ['sub', null],
        ['sub', ['somebody']],
        ['sub', { $ne: null }],
        ['sid', ''],
        ['sid', 7],
        ['sid', { $ne: null }],
        ['jti', ''],
        ['jti', 7],
        ['gen', -1],
        ['gen', 0.5],
        ['gen', '0'],
        ['ver', '1'],
        ['ver', -1],
        ['epoch', '1'],
        ['epoch', 1.5],
        ['roles', 'admin'],
        ['roles', [1]],
        ['roles', { length: 1 }],
        ['scope', ['users:write']],
        ['email_verified', 'true'],
        ['client_id', null],
      ] as const
    ).map(([name, value]): [string, Forgery] => [
      `${name} ${JSON.stringify(value)}`,
      ({ header, claims, sign }) => sign(header, { ...claims, [name]: value }),
    ]),
  ),
};

function jwkOf(key: KeyObject): Json {
  const { d: _, ...jwk } = key.export({ format: 'jwk' });
  return { ...jwk };
}

function confusions(): Record<string, Forgery> {
  return {
    'HS256 with the public key as PEM': confused((key) => key.export({ type: 'spki', format: 'pem' })),
    'HS256 with the public key as PEM without line break': confused((key) => String(key.export({ type: 'spki', format: 'pem' })).trim()),
    'HS256 with the public key as DER': confused((key) => key.export({ type: 'spki', format: 'der' })),
    'HS256 with the public key as JWK': confused((key) => JSON.stringify(key.export({ format: 'jwk' }))),
    'HS256 with the published JWK': ({ header, claims, key }) => jws({ ...header, alg: 'HS256' }, claims, hs256(JSON.stringify(key.jwk))),
  };
}

/** RFC 8725 2.1: the public key, which everybody knows, taken for an HMAC key. */
function confused(secretOf: (publicKey: KeyObject) => string | Buffer | object): Forgery {
  return ({ header, claims, key }) => {
    return jws({ ...header, alg: 'HS256' }, claims, hs256(secretOf(key.verificationKey) as string | Buffer));
  };
}

/** The claims are spelled with a stray bit before they are signed. */
function strayBitSigned(header: Json, claims: Json, key: SigningKey): string {
  const bodyOf = (pad: number) => Buffer.from(JSON.stringify({ ...claims, pad: 'p'.repeat(pad) }));
  const body = [0, 1, 2].map(bodyOf).find(({ length }) => length % 3 === 1) ?? bodyOf(0);
  const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${withStrayBit(body.toString('base64url'))}`;
  return `${input}.${signerOf(key.algorithm, key.signingKey)(Buffer.from(input)).toString('base64url')}`;
}

/** A genuine token whose signature has a `-` or `_`, with the characters that base64 has in their place. */
function otherAlphabet(header: Json, claims: Json, key: SigningKey): string {
  for (let attempt = 0; ; attempt += 1) {
    const token = jws(header, { ...claims, jti: `attempt ${attempt}` }, signerOf(key.algorithm, key.signingKey));
    const [head, body, mark] = partsOf(token).segments;
    if (/[-_]/.test(mark)) return `${head}.${body}.${mark.replaceAll('-', '+').replaceAll('_', '/')}`;
  }
}

const byAlgorithm: Readonly<Record<SigningAlgorithm, Record<string, Forgery>>> = {
  ES256: {
    'ES256 as DER': ({ header, claims, key }) => jws(header, claims, es256Der(key.signingKey)),
    'ES256 with r = s = n': ({ header, claims }) => jws(header, claims, signature(Buffer.concat([orderOfP256, orderOfP256]))),
    ...confusions(),
  },
  RS256: {
    'RS512 with the right key': ({ header, claims, key }) => jws({ ...header, alg: 'RS512' }, claims, rs512(key.signingKey)),
    'PS256 with the right key': ({ header, claims, key }) => jws({ ...header, alg: 'PS256' }, claims, ps256(key.signingKey)),
    'PS256 that says RS256': ({ header, claims, key }) => jws(header, claims, ps256(key.signingKey)),
    ...confusions(),
  },
  HS256: {},
};

/** What a server that signs with this algorithm must refuse, by name. */
export const forgeriesOf = (algorithm: SigningAlgorithm): Record<string, Forgery> => ({ ...common, ...byAlgorithm[algorithm] });
