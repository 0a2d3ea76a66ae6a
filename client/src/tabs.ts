import type { SharedGrant } from './grant.js';
import type { Channel } from './platform.js';
import type { SignedOut } from './state.js';

/** Tabs may run different releases of this package: what another one says in other words is not heard. */
const version = 1;

type Message =
  | { readonly version: typeof version; readonly type: 'ask'; readonly newerThan: number }
  | { readonly version: typeof version; readonly type: 'grant'; readonly grant: SharedGrant }
  | { readonly version: typeof version; readonly type: 'signed-out'; readonly state: SignedOut };

export interface TabsListener {
  /** Another tab would like a token issued after that instant, by the server's clock. */
  onAsked(newerThan: number): void;
  onGrant(grant: SharedGrant): void;
  onSignedOut(state: SignedOut): void;
}

/** What tabs tell each other. A refresh token is never among it. */
export class Tabs {
  private channel: Channel | null = null;

  constructor(private readonly openChannel: () => Channel | null) {}

  /** Not before the page needs it: an open channel keeps a program from ending. */
  open(listener: TabsListener): void {
    if (this.channel !== null) return;
    this.channel = this.openChannel();
    this.channel?.addEventListener('message', ({ data }) => {
      const message = data as Partial<Message> | null;
      if (message?.version !== version) return;
      if (message.type === 'ask' && message.newerThan !== undefined) listener.onAsked(message.newerThan);
      else if (message.type === 'grant' && message.grant !== undefined) listener.onGrant(message.grant);
      else if (message.type === 'signed-out' && message.state !== undefined) listener.onSignedOut(message.state);
    });
  }

  /** False: there is nobody to ask. */
  get canAsk(): boolean {
    return this.channel !== null;
  }

  ask(newerThan: number): void {
    this.channel?.postMessage({ version, type: 'ask', newerThan } satisfies Message);
  }

  tellGrant(grant: SharedGrant): void {
    this.channel?.postMessage({ version, type: 'grant', grant } satisfies Message);
  }

  tellSignedOut(state: SignedOut): void {
    this.channel?.postMessage({ version, type: 'signed-out', state } satisfies Message);
  }

  close(): void {
    this.channel?.close();
    this.channel = null;
  }
}
