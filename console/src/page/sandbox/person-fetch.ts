import { getOperationAST, type OperationDefinitionNode, OperationTypeNode, parse } from 'graphql';
import type { AuthClient } from 'latchkey-client';

export type Identity = 'me' | 'nobody';

interface Refusal {
  readonly path?: readonly unknown[];
  readonly reason: unknown;
}

/** Another token helps. `REVOKED` is not among them: the next one may be of another session. */
const mendedByAnotherToken: readonly unknown[] = ['EXPIRED', 'INVALID'];

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Of the token, in a GraphQL answer; none where the answer is no JSON. */
async function refusalsIn(response: Response): Promise<Refusal[]> {
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  const errors: unknown[] = isRecord(answer) && Array.isArray(answer.errors) ? answer.errors : [];
  return errors.filter(isRecord).flatMap(({ path, extensions }) => {
    if (!isRecord(extensions) || extensions.code !== 'UNAUTHENTICATED') return [];
    return [{ reason: extensions.reason, ...(Array.isArray(path) && { path }) }];
  });
}

/** The operation of a request that runs; null where there is no saying which that is. */
function operationOf(body: unknown): OperationDefinitionNode | null {
  try {
    const { query, operationName } = JSON.parse(String(body)) as { query: string; operationName?: string | null };
    return getOperationAST(parse(query), operationName) ?? null;
  } catch {
    return null;
  }
}

/**
 * Whether sending it a second time can do nothing twice: a query, or a mutation that is the only one of its operation and was itself
 * refused.
 */
function hasDoneNothing(operation: OperationDefinitionNode | null, refusals: readonly Refusal[]): boolean {
  if (operation === null) return false;
  if (operation.operation === OperationTypeNode.QUERY) return true;
  const fields = operation.selectionSet.selections;
  return fields.length === 1 && fields[0]?.kind === 'Field' && refusals.every(({ path }) => path?.length === 1);
}

/**
 * `fetch` for the person of this page, or for nobody, without the cookie. A refused token is refreshed, once, and the operation repeated
 * where that can do nothing twice; where the session has ended, the page comes to know. An `Authorization` that the caller gives (the
 * header editor's) stands.
 */
export function createPersonFetch(
  auth: Pick<AuthClient, 'getAccessToken' | 'handleUnauthenticated'>,
  identity: () => Identity,
  send: typeof fetch,
): typeof fetch {
  return async (target, init) => {
    const sendWith = (token: string | null) => {
      const headers = new Headers(init?.headers);
      if (token !== null) headers.set('authorization', `Bearer ${token}`);
      return send(target, { ...init, headers, credentials: 'omit' });
    };
    const isOwn = identity() === 'me' && !new Headers(init?.headers).has('authorization');
    const token = isOwn ? await auth.getAccessToken() : null;
    const response = await sendWith(token);
    if (token === null) return response;
    const refusals = await refusalsIn(response);
    if (refusals.length === 0) return response;
    const isMendable = refusals.every(({ reason }) => mendedByAnotherToken.includes(reason));
    if (isMendable && hasDoneNothing(operationOf(init?.body), refusals)) {
      const next = await auth.handleUnauthenticated(token);
      return next === null ? response : sendWith(next);
    }
    // The operation has its answer already.
    auth.handleUnauthenticated(token).catch(() => undefined);
    return response;
  };
}
