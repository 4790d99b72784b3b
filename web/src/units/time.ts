/** Times and lengths of time in words. */

export function ago(nowMs: number, atMs: number): string {
  const left = nowMs - atMs;
  return left < 1_000 ? 'now' : `${lasting(left)} ago`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** The two largest units: `2 h 5 min`. */
export function lasting(ms: number): string {
  const words: string[] = [];
  let left = Math.max(0, ms);
  for (const [size, name] of STEPS) {
    const count = Math.floor(left / size);
    if (count > 0 || (name === 's' && words.length === 0)) words.push(`${count} ${name}`);
    left %= size;
    if (words.length === 2) break;
  }
  return words.join(' ');
}

/** What the node says of lengths of time, without parts of a second: `5m 4s 828ms` becomes `5m 4s`. */
export function wholeSeconds(words: string): string {
  return words.replace(/(\d+(?:s|m|h|d|min)) \d+ms\b/g, '$1');
}

export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

export function moment(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
