import { Field, ObjectType, registerEnumType } from 'type-graphql';

export const DeviceKind = {
  DESKTOP: 'DESKTOP',
  MOBILE: 'MOBILE',
  TABLET: 'TABLET',
  TV: 'TV',
  BOT: 'BOT',
  PROGRAM: 'PROGRAM',
  UNKNOWN: 'UNKNOWN',
} as const;
export type DeviceKind = keyof typeof DeviceKind;

registerEnumType(DeviceKind, {
  name: 'DeviceKind',
  description: 'What kind of device a user agent claims to be.',
  valuesConfig: {
    DESKTOP: { description: 'A browser on a desktop or laptop computer.' },
    MOBILE: { description: 'A browser on a telephone.' },
    TABLET: { description: 'A browser on a tablet.' },
    TV: { description: 'A browser on a television set.' },
    BOT: { description: 'A crawler or other automatic visitor that names itself so.' },
    PROGRAM: { description: 'A client that is not a browser, such as `curl`.' },
    UNKNOWN: { description: 'The user agent is missing or tells nothing.' },
  },
});

@ObjectType({ description: 'What the user agent string tells. The client writes that string: good for a label, not for a decision.' })
export class Device {
  @Field(() => String, { description: "Ready to show, e.g. 'Firefox on Linux' or 'curl'." })
  label!: string;
  @Field(() => String, {
    nullable: true,
    description: 'The name of the browser without its version, e.g. `Firefox`; null where it is not known.',
  })
  browser!: string | null;
  @Field(() => String, { nullable: true, description: 'The name of the operating system, e.g. `Linux`; null where it is not known.' })
  os!: string | null;
  @Field(() => DeviceKind, { description: 'What kind of device it claims to be.' })
  kind!: DeviceKind;
}
