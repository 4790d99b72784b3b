/** What stands around every page: where one is, whether the node is there, and who acts. */
import { useEffect, useRef, useState } from 'react';
import { NavLink, Outlet, useLocation } from 'react-router';
import { useHeads, useLinkState } from '../node/node.tsx';
import { Button, Mark, Toasts } from '../ui/index.ts';
import { WalletButton } from '../wallet/WalletButton.tsx';
import { PAGES } from './pages.ts';
import { Strip } from './Strip.tsx';
import { applyTheme, storedTheme, type Theme } from './theme.ts';

export function Shell() {
  const state = useLinkState();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    const name = PAGES.find(([path]) => path !== '/' && pathname.startsWith(path))?.[1];
    // On a phone the bar is longer than the screen.
    document.querySelector('.nav [aria-current="page"]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
    document.title = name === undefined ? 'Capstan' : `${name} · Capstan`;
  }, [pathname]);
  return (
    <div className={state === 'gone' ? 'shell is-gone' : 'shell'}>
      <header className="top">
        <a
          className="skip"
          href="#main"
          onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}
        >
          Skip to the page
        </a>
        <div className="top-inner">
          <NavLink to="/" className="brand">
            <Mark />
            Capstan
          </NavLink>
          <nav className="nav" aria-label="Pages">
            {PAGES.map(([path, name]) => (
              <NavLink key={path} to={path} end={path === '/'}>
                {name}
              </NavLink>
            ))}
          </nav>
          <div className="top-side">
            <Pulse />
            <WalletButton />
          </div>
        </div>
      </header>
      <div className="strip">
        <Strip />
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <footer className="foot">
        <div>
          <span>Served by your own node. Nothing on this page comes from anywhere else.</span>
          <ThemeChoice />
        </div>
      </footer>
      <Toasts />
    </div>
  );
}

/** The newest block, and whether the node is there. */
function Pulse() {
  const state = useLinkState();
  const head = useHeads()[0];
  const words = { live: head ? `Block ${head.number}` : 'Connected', connecting: 'Connecting', gone: 'Node gone' }[
    state
  ];
  return (
    <span className={`pulse ${state}`} data-testid="pulse">
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
  return (
    <Button
      look="bare"
      slim
      onClick={() => {
        applyTheme(next[theme]);
        setTheme(next[theme]);
      }}
    >
      Colours: {theme === 'system' ? 'as the system' : theme}
    </Button>
  );
}
