// Kept in a name of its own: the bundler takes `new URL('...', import.meta.url)` for a file to bundle.
const scriptUrl = import.meta.url;

/** Where the console is mounted, with a slash at the end: all scripts of the page lie in `assets/` below it. */
export const consoleUrl = new URL('../', scriptUrl);
export const apiUrl = new URL('../graphql', consoleUrl);

export const socketUrl = (): string => {
  const url = new URL(apiUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};

/** Whether the server lets the page have the schema explorer. */
export const hasSandbox = document.documentElement.dataset.sandbox === 'on';
