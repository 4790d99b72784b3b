import type { ReactNode } from 'react';

const FROM = -118;
const TO = 118;
/** Health from 1 to 3 fills the dial; beyond, the needle rests at its end. */
const HEALTH_AT_END = 3;

function point(angle: number, radius: number): string {
  const turned = ((angle - 90) * Math.PI) / 180;
  return `${100 + radius * Math.cos(turned)} ${100 + radius * Math.sin(turned)}`;
}

function arc(from: number, to: number, radius: number): string {
  return `M${point(from, radius)}A${radius} ${radius} 0 ${to - from > 180 ? 1 : 0} 1 ${point(to, radius)}`;
}

function angleOf(health: number): number {
  const share = Math.min(1, Math.max(0, (health - 1) / (HEALTH_AT_END - 1)));
  return FROM + share * (TO - FROM);
}

/** One dial for an account's health. `drawnHealth` is for the needle alone; the text says the number. */
export function Gauge({ drawnHealth, text, words }: { drawnHealth: number | null; text: string; words: ReactNode }) {
  const needle = drawnHealth === null ? TO : angleOf(drawnHealth);
  const tone = drawnHealth === null || drawnHealth >= 1.5 ? 'good' : drawnHealth >= 1.15 ? 'warn' : 'bad';
  return (
    <div className="gauge">
      <svg viewBox="0 0 200 158" role="img" aria-label={`Health: ${text}`}>
        <g fill="none" strokeWidth="9" strokeLinecap="butt">
          <path d={arc(FROM, TO, 86)} stroke="var(--sunken)" />
          <path d={arc(FROM, angleOf(1.15) - 1.5, 86)} stroke="var(--bad)" opacity="0.75" />
          <path d={arc(angleOf(1.15) + 0.5, angleOf(1.5) - 1.5, 86)} stroke="var(--warn)" opacity="0.75" />
          <path d={arc(angleOf(1.5) + 0.5, TO, 86)} stroke="var(--good)" opacity="0.55" />
        </g>
        {drawnHealth === null ? null : (
          <g className="needle" style={{ transform: `rotate(${needle}deg)`, transformOrigin: '100px 100px' }}>
            <path d="M100 22l5.5-13h-11z" transform="rotate(180 100 15.5)" fill="var(--ink)" />
          </g>
        )}
        <text x={20} y={156} fontSize="10" fill="var(--ink-faint)" textAnchor="middle">
          1
        </text>
        <text x={180} y={156} fontSize="10" fill="var(--ink-faint)" textAnchor="middle">
          3+
        </text>
      </svg>
      <output className={drawnHealth === null ? `words ${tone}` : tone}>{text}</output>
      <p>{words}</p>
    </div>
  );
}
