import type { ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { RequestFacts } from '../auth/viewer.js';

declare module 'fastify' {
  interface FastifyRequest {
    facts: RequestFacts;
  }
}

const maxUserAgentLength = 512;
const maxAccessTokenLength = 8192;

/** IPv4-mapped IPv6 as IPv4, without a zone; null where the text is no address in full notation. */
function normalized(text: string | undefined): string | null {
  const address = text?.split('%', 1)[0] ?? '';
  return isIP(address) === 0 ? null : ipaddr.process(address).toString();
}

/**
 * Fastify walks `X-Forwarded-For` from right to left as far as the configured proxies reach, and what it stopped at may be any
 * text. Where that is no address, it is the proxy's that passed it on.
 */
function clientAddress(request: FastifyRequest): string | null {
  const walked = request.ips ?? [request.ip];
  return normalized(walked.at(-1)) ?? normalized(walked.at(-2)) ?? normalized(request.socket.remoteAddress);
}

/** RFC 6750 2.1: one token after the scheme, whose case does not matter (RFC 9110 11.1). Verification judges the token. */
function bearerToken(header: string | undefined): string | null {
  if (header === undefined || header.length > maxAccessTokenLength + 'Bearer '.length) return null;
  return /^bearer +(\S+)$/i.exec(header)?.[1] ?? null;
}

/** Asked for by few requests, so nothing is listened to before. */
function endOf(response: ServerResponse): Promise<void> {
  if (response.writableFinished || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => void response.once('finish', resolve).once('close', resolve));
}

/** `warn` is called once: when `X-Forwarded-For` first comes from a peer that is no configured proxy. */
export function createFactsReader(
  warn: (peer: string | null) => void,
): (request: FastifyRequest, response: ServerResponse) => RequestFacts {
  let warned = false;
  return (request, response) => {
    const { headers } = request;
    if (!warned && headers['x-forwarded-for'] !== undefined && (request.ips ?? []).length < 2) {
      warned = true;
      warn(normalized(request.socket.remoteAddress));
    }
    return {
      requestId: request.id,
      ipAddress: clientAddress(request),
      userAgent: headers['user-agent']?.slice(0, maxUserAgentLength) ?? null,
      accessToken: bearerToken(headers.authorization),
      get answered() {
        return endOf(response);
      },
    };
  };
}

/** What was read once when the request came in. */
export function requestFactsOf(request: FastifyRequest): RequestFacts {
  return request.facts;
}
