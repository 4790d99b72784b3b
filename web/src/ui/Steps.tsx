import type { ReactNode } from 'react';
import type { Tone } from './layout.tsx';

export interface Step {
  readonly title: ReactNode;
  readonly words?: ReactNode;
  /** What it brought or cost. */
  readonly amount?: ReactNode;
  readonly tone?: Tone;
  /** Whether it has happened; what is to come is drawn hollow. */
  readonly isDone?: boolean;
}

/** What happened one after the other, and what comes next: a case, a schedule, a liquidation. */
export function Steps({ label, of }: { label: string; of: readonly Step[] }) {
  return (
    <ol className="steps" aria-label={label}>
      {of.map((step, at) => (
        <li key={at} className={`${step.tone ?? 'plain'} ${step.isDone === false ? 'ahead' : ''}`}>
          <div>
            <strong>{step.title}</strong>
            {step.amount === undefined ? null : <span>{step.amount}</span>}
          </div>
          {step.words === undefined ? null : <p className="small quiet">{step.words}</p>}
        </li>
      ))}
    </ol>
  );
}
