/** The page before there is anything to say: where one is, and that it is coming. It has the place of what follows, so nothing jumps. */
import type { ReactNode } from 'react';
import { Mark, Skeleton } from '../ui/index.ts';
import { PAGES } from './pages.ts';

export function Frame({ children }: { children?: ReactNode }) {
  return (
    <div className="shell">
      <header className="top">
        <div className="top-inner">
          <a href="#/" className="brand">
            <Mark />
            Capstan
          </a>
          <nav className="nav" aria-label="Pages">
            {PAGES.map(([path, name]) => (
              <a key={path} href={`#${path}`}>
                {name}
              </a>
            ))}
          </nav>
        </div>
      </header>
      <main>{children ?? <Skeleton lines={4} />}</main>
    </div>
  );
}
