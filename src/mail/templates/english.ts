import type { DeviceFacts, Part, Templates } from './templates.js';

const text = (words: string): Part => ({ kind: 'text', text: words });
const link = (label: string, url: string): Part => ({ kind: 'link', label, url });

const notYou = 'If this was not you, you need not do anything.';
const changePassword = 'If it was not, change your password now: that ends every other session.';

const factsOf = ({ label, signedInAt }: DeviceFacts): Part => ({
  kind: 'facts',
  facts: [
    ['Device', label],
    ['Signed in', signedInAt.toISOString()],
  ],
});

const day = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'long', year: 'numeric' });

/** To the minute that has begun, so that what is said to be good is: `26 November 2026, 14:05 UTC`. A mail may be read long after it was written. */
function inWords(instant: number): string {
  const date = new Date(instant);
  return `${day.format(date)}, ${date.toISOString().slice(11, 16)} UTC`;
}
const once = (goodUntil: number): Part => text(`The link works once, until ${inWords(goodUntil)}.`);

export const english: Templates = {
  language: 'en',
  verifyEmail: (service, { url, goodUntil }) => ({
    subject: 'Confirm your address',
    parts: [
      text(`Somebody signed up at ${service} with this address. If it was you, confirm that the address is yours:`),
      link('Confirm the address', url),
      once(goodUntil),
      text(notYou),
    ],
  }),
  emailTaken: (service) => ({
    subject: 'You have an account already',
    parts: [
      text(`Somebody signed up at ${service} with this address, which has an account already. Nothing was changed.`),
      text('If it was you, sign in, or ask for a new password.'),
      text(notYou),
    ],
  }),
  newEmailTaken: (service) => ({
    subject: 'You have an account already',
    parts: [
      text(`Somebody wants to use this address, which has an account already, for another account at ${service}. Nothing was changed.`),
      text('If it was you, sign in to the account that has the address, or ask for a new password.'),
      text(notYou),
    ],
  }),
  resetPassword: (service, { url, goodUntil }) => ({
    subject: 'Set a new password',
    parts: [
      text(`Somebody asked for a new password for your account at ${service}. If it was you, choose one:`),
      link('Choose a new password', url),
      once(goodUntil),
      text(`${notYou} Your password stays as it is.`),
    ],
  }),
  accountCreated: (service, { url, goodUntil }) => ({
    subject: 'An account was made for you',
    parts: [
      text(`An account with this address was made for you at ${service}.`),
      text('It has no password yet. Choose one:'),
      link('Choose a password', url),
      once(goodUntil),
      text('If you expected no such account, you need not do anything.'),
    ],
  }),
  confirmNewEmail: (service, { url, goodUntil }) => ({
    subject: 'Confirm your new address',
    parts: [
      text(`Somebody wants to use this address for an account at ${service}. If it was you, confirm it:`),
      link('Use this address', url),
      once(goodUntil),
      text(notYou),
    ],
  }),
  emailChangeStarted: (service, newAddress) => ({
    subject: 'Your address is about to change',
    parts: [
      text(`Somebody who knows your password asked for another address for your account at ${service}: ${newAddress}`),
      text('It takes effect when it is confirmed from there. You will get another mail then, with a way back.'),
      text(`If this was you, you need not do anything. ${changePassword}`),
    ],
  }),
  emailChanged: (service, { url, goodUntil }) => ({
    subject: 'Your address was changed',
    parts: [
      text(`Your account at ${service} has another address now, and this one is no longer used.`),
      text('If it was not you, take it back. That ends every session, and you choose a new password:'),
      link('Take the address back', url),
      once(goodUntil),
    ],
  }),
  passwordChanged: (service) => ({
    subject: 'Your password was changed',
    parts: [
      text(`The password of your account at ${service} was changed, and other sessions were ended.`),
      text('If this was you, you need not do anything. If it was not, ask for a new password now.'),
    ],
  }),
  newDevice: (service, device) => ({
    subject: 'A sign-in from a new device',
    parts: [
      text(`Somebody signed in to your account at ${service} from a device that was not used before.`),
      factsOf(device),
      text(`If this was you, you need not do anything. ${changePassword}`),
    ],
  }),
  reuseDetected: (service, device) => ({
    subject: 'A session was ended for safety',
    parts: [
      text(`A session of your account at ${service} was ended for safety.`),
      factsOf(device),
      text('Its refresh token was used a second time. Either a program kept an old copy, or somebody else had one.'),
      text('Sign in again. If you do not know the device, or this comes again, change your password.'),
    ],
  }),
};
