import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * The sandbox is served at `/graphql`, its assets one level deeper: relative, so that a proxy may put both under a path of its own. The
 * page is served at any depth below `/console/`: the server puts in the way from there.
 */
const fromHtml = (html: string, file: string): string => (html.endsWith('page.html') ? `__CONSOLE__${file}` : `console/${file}`);

export default defineConfig({
  root: here('.'),
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic' } },
  experimental: {
    renderBuiltUrl: (file, { hostId, hostType }) => (hostType === 'html' ? fromHtml(hostId, file) : { relative: true }),
  },
  worker: { format: 'es' },
  build: {
    rolldownOptions: { input: { sandbox: here('index.html'), page: here('page.html') } },
    // Nothing is inlined: the Content-Security-Policy of the page names files of this server.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Monaco, in a chunk of its own that the sandbox alone loads.
    chunkSizeWarningLimit: 4096,
    reportCompressedSize: false,
  },
});
