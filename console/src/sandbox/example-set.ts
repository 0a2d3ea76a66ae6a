import { type ExampleSet, examples, noted } from '../examples/catalog.js';

const { signUp, whoAmI, signIn, mySessions, endSession, askWithEndedSession } = examples;
const { refreshTokens, endOtherSessions, signOut, serverInfo, errorCodes } = examples;

export const exampleSet: ExampleSet = {
  lead: 'From an empty server to an ended session: open one, then run it with the pink button or Ctrl-Enter.',
  tour: [
    noted(
      signUp,
      'The sandbox notices the tokens of the answer, keeps them in the memory of this page, and sends the access token with whatever you run next.',
    ),
    whoAmI,
    noted(signIn, 'The bar above now offers both.'),
    mySessions,
    noted(endSession, 'The variables name the session in the bar whose token is not sent; any other id from "My sessions" will do.'),
    askWithEndedSession,
  ],
  more: [
    refreshTokens,
    endOtherSessions,
    noted(signOut, '"Sign out of the sandbox" in the bar does not: it only makes this page forget its tokens.'),
    serverInfo,
    errorCodes,
  ],
};
