import type { ServerInfoQuery } from '../generated/operations.js';

export type ServerInfo = ServerInfoQuery['serverInfo'];
