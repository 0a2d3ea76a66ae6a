import { ApolloLink } from '@apollo/client/link';
import type { GraphQLFormattedError } from 'graphql';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { AuthClient } from './auth-client.js';

/** Another token helps. `REVOKED` is not among them: the next one may be of another session, or person. */
const mendedByAnotherToken: readonly unknown[] = ['EXPIRED', 'INVALID'];

const isUnauthenticated = ({ extensions }: GraphQLFormattedError): boolean => extensions?.code === 'UNAUTHENTICATED';

/**
 * Whether sending the operation a second time can do nothing twice. A query does nothing. A mutation has done nothing where it is the only
 * one of its operation and was itself refused; an error further down is one of its answer, and then it was done.
 */
function hasDoneNothing({ query, operationType }: ApolloLink.Operation, refusals: readonly GraphQLFormattedError[]): boolean {
  if ((operationType as string) === 'query') return true;
  const fields = query.definitions.flatMap((one) => (one.kind === 'OperationDefinition' ? one.selectionSet.selections : []));
  return fields.length === 1 && fields[0]?.kind === 'Field' && refusals.every(({ path }) => path?.length === 1);
}

/**
 * Sends the access token with each query and mutation; none when nobody is signed in. Where the server refuses the token because it has
 * ended, it is refreshed, once for all operations, and the operation is repeated, once. Where the session has ended, the operation fails
 * with the server's error, and the state of `auth` says why. Where there is no token because the server cannot be asked, it fails with
 * `AuthUnavailableError`.
 *
 * Put it before `HttpLink`. Subscriptions pass: their socket has `createSocketClient` of `latchkey-client/graphql-ws`.
 */
export function authLink(auth: AuthClient): ApolloLink {
  return new ApolloLink((operation, forward) => {
    if ((operation.operationType as string) === 'subscription') return forward(operation);
    return new Observable((observer) => {
      const exchange = new Exchange(auth, operation, forward, observer);
      auth.getAccessToken().then(
        (token) => exchange.send(token, false),
        (error: unknown) => observer.error(error),
      );
      return () => exchange.stop();
    });
  });
}

/** One operation on its way, and perhaps on its way again. */
class Exchange {
  private current: Subscription | null = null;

  constructor(
    private readonly auth: AuthClient,
    private readonly operation: ApolloLink.Operation,
    private readonly forward: ApolloLink.ForwardFunction,
    private readonly observer: Subscriber<ApolloLink.Result>,
  ) {}

  send(token: string | null, isRepeated: boolean): void {
    const { operation, observer } = this;
    if (observer.closed) return;
    operation.setContext(({ headers }) => ({ headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) } }));
    let isFirst = true;
    let isMending = false;
    this.current = this.forward(operation).subscribe({
      next: (result) => {
        const refusals = isFirst ? (result.errors ?? []).filter(isUnauthenticated) : [];
        isFirst = false;
        if (token === null || refusals.length === 0) return observer.next(result);
        const isMendable = !isRepeated && refusals.every(({ extensions }) => mendedByAnotherToken.includes(extensions?.reason));
        if (isMendable && hasDoneNothing(operation, refusals)) {
          isMending = true;
          this.repeat(token, result);
          return;
        }
        // So that the page learns what has become of its session; the operation has its answer already.
        this.auth.handleUnauthenticated(token).catch(() => undefined);
        observer.next(result);
      },
      error: (error: unknown) => observer.error(error),
      complete: () => {
        if (!isMending) observer.complete();
      },
    });
  }

  stop(): void {
    this.current?.unsubscribe();
  }

  private repeat(refused: string, result: ApolloLink.Result): void {
    this.auth.handleUnauthenticated(refused).then(
      (token) => {
        if (token !== null) return this.send(token, true);
        this.observer.next(result);
        this.observer.complete();
      },
      (error: unknown) => this.observer.error(error),
    );
  }
}
