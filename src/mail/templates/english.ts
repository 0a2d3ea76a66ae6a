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

const units = [
  { seconds: 86_400, one: '1 day', many: 'days' },
  { seconds: 3_600, one: '1 hour', many: 'hours' },
  { seconds: 60, one: '1 minute', many: 'minutes' },
  { seconds: 1, one: '1 second', many: 'seconds' },
] as const;

/** In the largest unit that holds it exactly. */
function inWords(seconds: number): string {
  const unit = units.find((candidate) => seconds % candidate.seconds === 0) ?? units[3];
  const count = seconds / unit.seconds;
  return count === 1 ? unit.one : `${count} ${unit.many}`;
}
const once = (goodForSeconds: number): Part => text(`The link works once, for ${inWords(goodForSeconds)}.`);

export const english: Templates = {
  language: 'en',
  verifyEmail: (service, { url, goodForSeconds }) => ({
    subject: 'Confirm your address',
    parts: [
      text(`Somebody signed up at ${service} with this address. If it was you, confirm that the address is yours:`),
      link('Confirm the address', url),
      once(goodForSeconds),
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
  resetPassword: (service, { url, goodForSeconds }) => ({
    subject: 'Set a new password',
    parts: [
      text(`Somebody asked for a new password for your account at ${service}. If it was you, choose one:`),
      link('Choose a new password', url),
      once(goodForSeconds),
      text(`${notYou} Your password stays as it is.`),
    ],
  }),
  accountCreated: (service, timed) => ({
    subject: 'An account was made for you',
    parts: [
      text(`An account with this address was made for you at ${service}.`),
      ...(timed === null
        ? [text('It has no password yet. Whoever runs the service will tell you how to set one.')]
        : [text('It has no password yet. Choose one:'), link('Choose a password', timed.url), once(timed.goodForSeconds)]),
      text('If you expected no such account, you need not do anything.'),
    ],
  }),
  confirmNewEmail: (service, { url, goodForSeconds }) => ({
    subject: 'Confirm your new address',
    parts: [
      text(`Somebody wants to use this address for an account at ${service}. If it was you, confirm it:`),
      link('Use this address', url),
      once(goodForSeconds),
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
  emailChanged: (service, { url, goodForSeconds }) => ({
    subject: 'Your address was changed',
    parts: [
      text(`Your account at ${service} has another address now, and this one is no longer used.`),
      text('If it was not you, take it back. That ends every session, and you choose a new password:'),
      link('Take the address back', url),
      once(goodForSeconds),
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
