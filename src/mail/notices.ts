/** The mails that only tell what happened, each of which the operator can switch off, and what each tells. */
export const noticeTexts = {
  newDevice: 'Of a sign-in from a device that none of the sessions on record had. Not of the first sign-in.',
  passwordChanged: 'That the password was changed.',
  emailChanged:
    'The old address, that a change was asked for and that it took effect, with the link that takes it back: without it there is no way back.',
  reuseDetected: 'That a session was ended because its refresh token was used twice.',
} as const;

/** Which of them are sent. */
export type NoticeSettings = { readonly [Name in keyof typeof noticeTexts]: boolean };

export const allNotices: NoticeSettings = Object.freeze({
  newDevice: true,
  passwordChanged: true,
  emailChanged: true,
  reuseDetected: true,
});
