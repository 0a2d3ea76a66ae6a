import { Component, type ReactNode } from 'react';
import { View } from './parts/view.js';

interface BoundaryProps {
  /** In the place of what failed. */
  readonly fault: ReactNode;
  readonly children: ReactNode;
}

/** Around what may fail as it is rendered, a view whose files do not come included: without it the whole page would be blank. */
export class Boundary extends Component<BoundaryProps, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? this.props.fault : this.props.children;
  }
}

/** A server that was renewed has other files, which a page that is loaded anew names. A person asks for that: by itself it could go on for ever. */
export function Fault() {
  return (
    <View title="Something went wrong">
      <div className="failure">
        <p role="alert" className="problem">
          This view could not be loaded or shown. Load the page again.
        </p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    </View>
  );
}
