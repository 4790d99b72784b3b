import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { resume } from './act/pending.ts';
import { App, askEarly } from './app/App.tsx';
import { applyTheme } from './app/theme.ts';
import { openNode } from './node/node.tsx';
import './ui/tokens.css';
import './ui/base.css';
import './ui/components.css';
import './ui/shell.css';

applyTheme();
const root = document.getElementById('page');
if (!root) throw new Error('index.html has no element #page');
const node = openNode();
askEarly(node);
// What an earlier life of this page signed is looked for again.
resume(node);
createRoot(root).render(
  <StrictMode>
    <App node={node} />
  </StrictMode>,
);
