import { Field, InputType } from 'type-graphql';

const newPassword =
  '8 to 256 characters (code points) unless set otherwise; not a common password, not the email address or username. Errors: WEAK_PASSWORD.';

@InputType({ description: 'What it takes to choose another password.' })
export class ChangePasswordInput {
  @Field(() => String, { description: 'The present password. Errors: INVALID_CREDENTIALS.' })
  currentPassword!: string;
  @Field(() => String, { description: newPassword })
  newPassword!: string;
}

@InputType({ description: 'What it takes to set a password by a mailed link.' })
export class ResetPasswordInput {
  @Field(() => String, { description: 'From the link: what follows `#token=`. Errors: ONE_TIME_TOKEN_INVALID.' })
  token!: string;
  @Field(() => String, { description: newPassword })
  newPassword!: string;
}

@InputType({ description: 'What it takes to ask for another email address.' })
export class ChangeEmailInput {
  @Field(() => String, {
    description:
      'The new address, at most 254 characters; trimmed and lower-cased. Errors: BAD_USER_INPUT (also the present one), EMAIL_TAKEN (only where addresses need no verification).',
  })
  email!: string;
  @Field(() => String, { description: 'The present password. Errors: INVALID_CREDENTIALS.' })
  currentPassword!: string;
}
