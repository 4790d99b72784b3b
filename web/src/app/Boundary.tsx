import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Button, Notice } from '../ui/index.ts';

/** Whatever fails while drawing is said in words, with a way on: never a white page. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <Broken error={error} onAgain={() => this.setState({ error: null })} />;
  }
}

export function Broken({ error, onAgain }: { error: Error; onAgain: () => void }) {
  return (
    <main>
      <Notice tone="bad" title="This part of the page failed">
        <div className="stack">
          <span>{error.message}</span>
          <span>Nothing was signed or lost: what stands on your account stands on the chain.</span>
          <span className="row">
            <Button slim onClick={onAgain}>
              Try again
            </Button>
            <Button slim onClick={() => location.reload()}>
              Reload the page
            </Button>
          </span>
        </div>
      </Notice>
    </main>
  );
}
