import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react';
import { consoleUrl, hasSandbox } from './place.js';

export interface Route {
  /** What follows `/console/`, by its slashes; empty for `/console` itself. */
  readonly segments: readonly string[];
  readonly params: URLSearchParams;
}

const listeners = new Set<() => void>();
/** `/console`, without the slash. */
const mount = consoleUrl.pathname.slice(0, -1);
const documentOf = (path: string): 'sandbox' | 'page' => (hasSandbox && path === 'sandbox' ? 'sandbox' : 'page');

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const present = (): string => location.pathname.slice(mount.length).replace(/^\//, '');
const snapshot = (): string => `${present()}${location.search}`;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tellAll(): void {
  for (const listener of listeners) listener();
}
addEventListener('popstate', tellAll);

export function useRoute(): Route {
  const [path = '', search = ''] = useSyncExternalStore(subscribe, snapshot).split('?', 2);
  return {
    segments: path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decoded),
    params: new URLSearchParams(search),
  };
}

/** `path` as `users/1?tab=2`, relative to the console. */
export const hrefOf = (path: string): string => (path === '' || path.startsWith('?') ? `${mount}${path}` : `${mount}/${path}`);

/** Whether the view has another Content-Security-Policy than the document that is open: that of the schema explorer has one of its own. */
export const isOtherDocument = (path: string): boolean => documentOf(path) !== documentOf(present());

/** Goes to a view. */
export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
  const href = hrefOf(path);
  if (isOtherDocument(path)) {
    if (how === 'push') location.assign(href);
    else location.replace(href);
    return;
  }
  if (how === 'push') history.pushState(null, '', href);
  else history.replaceState(null, '', href);
  tellAll();
}

interface LinkProps {
  readonly to: string;
  readonly isCurrent?: boolean;
  readonly children: ReactNode;
}

export function Link({ to, isCurrent = false, children }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={hrefOf(to)} aria-current={isCurrent ? 'page' : undefined} onClick={follow}>
      {children}
    </a>
  );
}
