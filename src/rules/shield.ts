import { createRequire } from 'node:module';
import type * as GraphQLShield from 'graphql-shield';

// The ES modules of graphql-shield import `isUndefined` from `node:util`, which has had none since Node 23: a server that imports
// them does not start there. Its CommonJS build asks for it in `chain()` and `race()` alone, which are not handed out here.
const commonJs = createRequire(import.meta.url)('graphql-shield') as typeof GraphQLShield;

export const deny: typeof GraphQLShield.deny = commonJs.deny;
export const rule: typeof GraphQLShield.rule = commonJs.rule;
export const shield: typeof GraphQLShield.shield = commonJs.shield;
