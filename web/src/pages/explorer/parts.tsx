/** What several pages of the explorer show alike. */
import { Link } from 'react-router';
import { shortAddress, Badge } from '../../ui/index.ts';
import type { Arg } from './shapes.ts';

export function AddressLink({ of, name }: { of: string; name?: string | null | undefined }) {
  return (
    <Link
      to={`/explorer/address/${of}`}
      title={of}
      className={name === null || name === undefined ? 'mono' : undefined}
    >
      {name ?? shortAddress(of)}
    </Link>
  );
}

export function BlockLink({ of }: { of: number }) {
  return <Link to={`/explorer/block/${of}`}>{of}</Link>;
}

export function TransactionLink({ of, children }: { of: string; children?: string }) {
  return (
    <Link to={`/explorer/tx/${of}`} title={of} className={children === undefined ? 'mono' : undefined}>
      {children ?? shortAddress(of)}
    </Link>
  );
}

/** Whose it is and how it ended. */
export function Marks({ isSystem, isSuccess }: { isSystem: boolean; isSuccess: boolean | null }) {
  return (
    <>
      {isSystem ? <Badge tone="accent">system</Badge> : null}
      {isSuccess === false ? <Badge tone="bad">failed</Badge> : null}
      {isSuccess === null ? <Badge tone="warn">waits</Badge> : null}
    </>
  );
}

/** Arguments by name: what they mean in front, what they are behind. */
export function Args({ args }: { args: readonly Arg[] }) {
  if (args.length === 0) return null;
  return (
    <dl className="args">
      {args.map((arg, index) => (
        <div key={`${arg.name}-${index}`}>
          <dt title={arg.type}>{arg.name === '' ? `#${index}` : arg.name}</dt>
          <dd>
            <Value arg={arg} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ arg }: { arg: Arg }) {
  if (arg.type === 'address') return <AddressLink of={arg.value} name={arg.text} />;
  const long = arg.value.length > 120 ? `${arg.value.slice(0, 120)}…` : arg.value;
  if (arg.text === null) return <span className="mono breaks">{long}</span>;
  return (
    <>
      {arg.text} <span className="faint small breaks">{long}</span>
    </>
  );
}
