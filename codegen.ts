import * as documentNodes from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';

/** From the committed schema and operations to typed documents. `npm run codegen` reads this file. */
export default {
  schema: 'schema/schema.graphql',
  targets: [
    { documents: 'test/api/operations', output: 'test/api/generated/operations.ts' },
    { documents: 'console/src/page/operations', output: 'console/src/page/generated/operations.ts' },
  ],
  plugins: { operations, documentNodes },
  config: {
    scalars: { DateTime: 'string' },
    strictScalars: true,
    enumType: 'string-literal',
    useTypeImports: true,
    immutableTypes: true,
    skipTypename: true,
  },
};
