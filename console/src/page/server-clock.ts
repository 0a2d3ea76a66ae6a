/** Milliseconds that the server is ahead of this machine, whose clock may be hours off. */
let aheadMs = 0;

/** As `fetch`. Learns the server's time from its answers, to a second. */
export const withServerClock: typeof fetch = async (...call) => {
  const response = await fetch(...call);
  const date = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isNaN(date)) aheadMs = date - Date.now();
  return response;
};

/** Epoch milliseconds by the server's clock; by this machine's until it has answered. */
export const serverNow = (): number => Date.now() + aheadMs;
