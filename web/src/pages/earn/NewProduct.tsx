/** A leveraged token or a vault of one's own, as `capstan product create` makes it. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { productsAbi } from '../../generated/products.ts';
import { command, named, signedBy } from '../../node/commands.ts';
import { usePools } from '../../node/queries.ts';
import type { Hex } from '../../node/decode.ts';
import type { Market } from '../../node/shapes.ts';
import { decimal, parseDecimal, problemInWords } from '../../units/decimal.ts';
import { amountWrong, assetUnit, exact, quantity, readAmount, shownAmount } from '../../units/quantity.ts';
import { Check, AmountField, Button, CopyCommand, Dialog, Select } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useOne } from './bring.ts';

type Kind = 'long' | 'short' | 'loop' | 'neutral';
const KINDS: readonly { value: Kind; text: string }[] = [
  { value: 'long', text: 'gains when it rises (long)' },
  { value: 'short', text: 'gains when it falls (short)' },
  { value: 'loop', text: 'holds it and owes the base (loop)' },
  { value: 'neutral', text: 'earns a pool’s fees, hardly moves (neutral)' },
];
/** The contract's numbers of kinds. */
const KIND_NUMBER: Record<Kind, number> = { long: 1, short: 2, loop: 3, neutral: 4 };
const BPS_DECIMALS = 4;
const LIMIT_BPS = 100;
const CAP_USD = 1_000_000n * 10n ** 18n;
const NOBODY = `0x${'0'.repeat(40)}` as const;
const SEED_HINT = 'a hundred dollars of it belong to nobody';

export function NewProduct({ markets }: { markets: readonly Market[] }) {
  const wallet = useWallet();
  const [isOpen, setOpen] = useState(false);
  if (wallet === null) return <span className="small faint">Connect a wallet to make one.</span>;
  return (
    <>
      <Button slim onClick={() => setOpen(true)}>
        Make a product
      </Button>
      {isOpen ? <Form owner={wallet.address} markets={markets} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

interface Read {
  readonly bps: number;
  readonly wrong: string | null;
}

function bpsOf(text: string): Read {
  const read = parseDecimal(text.trim(), BPS_DECIMALS);
  if (!read.ok) return { bps: 0, wrong: problemInWords(read.problem) };
  return read.amount === 0n || read.amount > 1_000_000n
    ? { bps: 0, wrong: 'between 0.0001 and 100' }
    : { bps: Number(read.amount), wrong: null };
}

function Form({ owner, markets, onClose }: { owner: Hex; markets: readonly Market[]; onClose: () => void }) {
  const priced = markets.filter((market) => market.price !== null);
  const pools = usePools();
  const [kind, setKind] = useState<Kind>('long');
  const [assetId, setAsset] = useState(priced[0]?.assetId ?? 0);
  const [baseId, setBase] = useState(priced[1]?.assetId ?? 0);
  const [seedText, setSeed] = useState('');
  const [targetText, setTarget] = useState('3');
  const [lowText, setLow] = useState('1.06');
  const [highText, setHigh] = useState('1.15');
  const [isClosable, setClosable] = useState(false);
  const [call, setCall] = useState<CallProposal | null>(null);
  const { market: base, has, first } = useOne(owner, markets, baseId);
  const asset = priced.find((market) => market.assetId === assetId);
  if (!asset || !base) return null;
  const seed = readAmount(seedText, base.decimals, has);
  const seedWrong = amountWrong(seedText, seed, { of: has, where: 'the wallet has' });
  const target = kind === 'neutral' ? { bps: 10_000, wrong: null } : bpsOf(targetText);
  const tenth = Math.floor(target.bps / 10);
  const low = kind === 'loop' ? bpsOf(lowText) : { bps: target.bps - tenth, wrong: null };
  const high = kind === 'loop' ? bpsOf(highText) : { bps: target.bps + tenth, wrong: null };
  const pool = (pools.data ?? []).find(
    (one) =>
      one.totalShares !== null && [assetId, baseId].every((id) => one.assets.some((coin) => coin.assetId === id)),
  );
  const isPossible =
    assetId !== baseId &&
    (kind !== 'neutral' || pool !== undefined) &&
    [target, low, high].every((one) => one.wrong === null);
  const seedExact = exact(quantity(seed.ok ? seed.amount : 0n, base.decimals, assetUnit(baseId)));
  const cli = command(
    [
      `product create ${kind} ${named(asset.symbol, assetId)} ${named(base.symbol, baseId)} ${seedExact === '0' ? '1000' : seedExact}`,
      `--target ${decimal(BigInt(target.bps), BPS_DECIMALS)}`,
      ...(kind === 'loop' ? [`--low ${lowText} --high ${highText}`] : []),
      ...(kind === 'neutral' ? [`--pool ${pool?.poolId ?? 0}`] : []),
      ...(isClosable ? ['--closable'] : []),
    ].join(' '),
  );
  const propose = () => {
    if (!seed.ok) return;
    const isAssetHeld = kind === 'long' || kind === 'loop';
    const policy = {
      kind: KIND_NUMBER[kind],
      collateralAssetId: isAssetHeld ? assetId : baseId,
      debtAssetId: isAssetHeld ? baseId : assetId,
      targetBps: target.bps,
      lowBps: low.bps,
      highBps: high.bps,
      limitBps: LIMIT_BPS,
      feeBps: 0,
      capUsd: CAP_USD,
      poolId: kind === 'neutral' ? (pool?.poolId ?? 0) : 0,
      owner: isClosable ? owner : NOBODY,
    };
    const data = encodeFunctionData({ abi: productsAbi, functionName: 'create', args: [policy, seed.amount, owner] });
    const number = (bps: number) => decimal(BigInt(bps), BPS_DECIMALS);
    setCall({
      title: `Make a product: ${kind} ${asset.symbol}`,
      lines: [
        `${kind} ${asset.symbol} against ${base.symbol}, at ${number(target.bps)}, brought back when it leaves ${number(low.bps)} to ${number(high.bps)}, for ever`,
        `Begin with ${shownAmount(quantity(seed.amount, base.decimals, assetUnit(baseId)))} ${base.symbol} of your wallet; ${SEED_HINT}`,
        isClosable ? 'You may close it later' : 'Nobody may ever close it',
      ],
      notes: ['Afterwards add coins: without them the block does not rebalance it.'],
      call: { to: addresses.products, data, valueWei: 0n },
      first: first(addresses.products, seed.amount),
      command: cli,
    });
  };
  if (call) return <SignCall from={owner} proposal={call} onClose={onClose} />;
  const options = priced.map((market) => ({ value: market.assetId, text: market.symbol }));
  return (
    <Dialog title="Make a product" onClose={onClose}>
      <div className="columns even">
        <Select label="Of" value={assetId} options={options} onChange={setAsset} />
        <Select label="Base, which is paid in and out" value={baseId} options={options} onChange={setBase} />
      </div>
      <Select label="It" value={kind} options={KINDS} onChange={setKind} />
      {kind === 'neutral' ? (
        <p className="small quiet">
          {pool ? `It provides to pool ${pool.poolId}.` : 'There is no pool of these two with shares.'}
        </p>
      ) : (
        <div className="choices">
          <AmountField
            label={kind === 'loop' ? 'Health' : 'Leverage'}
            value={targetText}
            onChange={setTarget}
            wrong={target.wrong}
          />
          {kind === 'loop' ? (
            <>
              <AmountField label="Not below" value={lowText} onChange={setLow} wrong={low.wrong} />
              <AmountField label="Not above" value={highText} onChange={setHigh} wrong={high.wrong} />
            </>
          ) : null}
        </div>
      )}
      <AmountField
        label="Begins with"
        hint={`${shownAmount(quantity(has, base.decimals, assetUnit(baseId)))} there`}
        suffix={base.symbol}
        value={seedText}
        onChange={setSeed}
        wrong={seedWrong}
        placeholder="1000"
      />
      <Check checked={isClosable} onChange={setClosable}>
        I may close it later
      </Check>
      <div className="dialog-actions">
        <CopyCommand command={signedBy({ owner }, cli)} />
        <Button
          look="primary"
          disabled={!isPossible || !seed.ok || seed.amount === 0n || seedWrong !== null}
          onClick={propose}
        >
          See the product…
        </Button>
      </div>
    </Dialog>
  );
}
