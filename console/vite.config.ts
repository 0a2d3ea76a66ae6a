import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The page is served at `/graphql`, its assets one level deeper: relative, so that a proxy may put both under a path of its own. */
const fromPage = (file: string): string => `console/${file}`;

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic' } },
  experimental: {
    renderBuiltUrl: (file, { hostType }) => (hostType === 'html' ? fromPage(file) : { relative: true }),
  },
  worker: { format: 'es' },
  build: {
    // Nothing is inlined: the Content-Security-Policy of the page names files of this server.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Monaco, in a chunk of its own that the sandbox alone loads.
    chunkSizeWarningLimit: 4096,
    reportCompressedSize: false,
  },
});
