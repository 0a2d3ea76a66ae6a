import type { ApolloServerPlugin } from '@apollo/server';
import type { OperationDefinitionNode } from 'graphql';
import type { GraphQLContext } from '../graphql/context.js';
import type { ObservedRequests } from './requests.js';
import { rootFieldOf } from './root-field.js';

/** Tells the observed request what its operation is and how it ended. A client's own names never pass: only those of the schema. */
export function createOperationPlugin(requests: ObservedRequests): ApolloServerPlugin<GraphQLContext> {
  // Apollo keeps parsed documents, so that one that comes often is looked through once.
  const names = new WeakMap<OperationDefinitionNode, string>();
  return {
    requestDidStart: async ({ contextValue }) => {
      const request = requests.find(contextValue.request);
      if (request === undefined) return;
      request.operationStarted();
      return {
        didResolveOperation: async ({ operation, document }) => {
          if (operation === undefined) return;
          const name = names.get(operation) ?? rootFieldOf(operation, document);
          names.set(operation, name);
          request.operationNamed(operation.operation, name);
        },
        willSendResponse: async ({ response }) => {
          const code = response.body.kind === 'single' ? response.body.singleResult.errors?.[0]?.extensions?.code : undefined;
          request.operationEnded(typeof code === 'string' ? code : 'OK');
        },
      };
    },
  };
}
