import { AuthError, serviceUnavailable } from '../auth/errors.js';

/** Why an HTTP request cannot be understood, and the status that says so (RFC 9110 15.5). */
const statusOfReason = {
  MALFORMED_BODY: 400,
  BATCH: 400,
  TRANSPORT: 400,
  METHOD: 405,
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE: 415,
  HEADERS: 400,
} as const;
export type RefusalReason = keyof typeof statusOfReason;

export function refusal(reason: RefusalReason): AuthError {
  return new AuthError('BAD_REQUEST', { reason });
}

const fastifyReasons: Readonly<Record<string, RefusalReason>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'CONTENT_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_BODY',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_BODY',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'MALFORMED_BODY',
};

/** Fastify's and Node's own errors in this project's words; any other error as it is. */
export function inOurWords(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const reason = fastifyReasons[code];
  if (reason !== undefined) return refusal(reason);
  if (code === 'FST_ERR_BAD_URL') return new AuthError('NOT_FOUND');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return serviceUnavailable(error);
  // The client went away in the middle of its body: nobody reads the answer, and it is no fault of the server.
  if (code === 'ECONNRESET' || code === 'ECONNABORTED') return refusal('MALFORMED_BODY');
  if (code.startsWith('HPE_')) return refusal('HEADERS');
  return error;
}

/** The table of error codes gives one status for a code; a refusal of HTTP's own is more exact. */
export function statusOf(error: unknown, byTable: number): number {
  if (!(error instanceof AuthError) || error.code !== 'BAD_REQUEST') return byTable;
  return statusOfReason[error.details.reason as RefusalReason] ?? byTable;
}
