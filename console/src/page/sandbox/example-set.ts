import { type ExampleSet, examples, noted } from '../../examples/catalog.js';

const { signUp, whoAmI, signIn, mySessions, endSession, endOtherSessions, signOut, serverInfo, errorCodes } = examples;

/** Without those that need tokens of several sessions, or a refresh token: no script of this page has one. */
export const exampleSet: ExampleSet = {
  lead: 'Open one, then run it with the pink button or Ctrl-Enter. It is done for real, as whoever is chosen above.',
  tour: [
    whoAmI,
    noted(signIn, 'Put your password into the variables first. This page goes on with the session that it has.'),
    mySessions,
    noted(endSession, 'The variables name the newest of your other sessions, if there is one; any other id from "My sessions" will do.'),
  ],
  more: [
    noted(signUp, 'You stay signed in as yourself: this page leaves the tokens of the answer alone.'),
    endOtherSessions,
    noted(signOut, 'That is the one of this page, which then shows the sign-in.'),
    serverInfo,
    errorCodes,
  ],
};
