/** The pages, as the bar above them names them. */
export const PAGES = [
  ['/', 'Home'],
  ['/markets', 'Markets'],
  ['/account', 'Account'],
  ['/trade', 'Trade'],
  ['/earn', 'Earn'],
  ['/machines', 'Machines'],
  ['/ai', 'AI'],
  ['/explorer', 'Explorer'],
  ['/risk', 'Risk'],
] as const;
