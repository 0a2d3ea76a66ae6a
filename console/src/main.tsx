import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import './page.css';

/** Each view is loaded when it is shown: the sandbox brings an editor of some megabytes, which no other page needs. */
const Sandbox = lazy(async () => ({ default: (await import('./sandbox/sandbox.js')).Sandbox }));

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no element #root.');
createRoot(root).render(
  <StrictMode>
    <Suspense fallback={<p className="loading">Loading the sandbox …</p>}>
      <Sandbox />
    </Suspense>
  </StrictMode>,
);
