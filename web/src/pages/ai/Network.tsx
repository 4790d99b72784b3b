/** The network's side: what a customer has free and bound, his spending keys, and what became of each claim. */
import { useState } from 'react';
import { encodeFunctionData, isAddress } from 'viem';
import { approvalOf, SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { jobsAbi } from '../../generated/jobs.ts';
import { castCommand } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { useMarkets, useWalletBalance } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import { exactOf, readAmount, someWrong, told, type Counted } from '../../units/quantity.ts';
import { lasting, moment } from '../../units/time.ts';
import {
  Address,
  AmountField,
  Answer,
  Badge,
  Button,
  Card,
  Dialog,
  DialogActions,
  Empty,
  Num,
  Stat,
  Stats,
  Table,
  TextField,
  useParts,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useClaimsOf, useCustomer, useRoom, type Customer, type Room } from './queries.ts';
import { phaseWords, refundWords } from './words.ts';

const to = addresses.jobs;
const SHOWN = 10;

function callOf(data: Hex): Pick<CallProposal, 'call' | 'command'> {
  return { call: { to, data, valueWei: 0n }, command: castCommand(`send ${to} ${data}`) };
}

export function Network() {
  const room = useRoom();
  const markets = useMarkets();
  return (
    <Answer of={room} lines={6}>
      {(open) => {
        if (open === null) {
          return (
            <Card title="No work is sold here yet">
              <Empty>
                The owner of this chain has not opened the room of jobs: no price, no escrow, no claims. One’s own
                gateway works without it.
              </Empty>
            </Card>
          );
        }
        const market = markets.data?.find((one) => one.assetId === open.params.assetId) ?? null;
        const asset = market ?? { assetId: open.params.assetId, symbol: `asset ${open.params.assetId}`, decimals: 18 };
        return (
          <div className="stack ai">
            <Mine asset={asset} market={market} room={open} />
            <Prices asset={asset} room={open} />
          </div>
        );
      }}
    </Answer>
  );
}

function Mine({ asset, market, room }: { asset: Counted; market: Market | null; room: Room }) {
  const wallet = useWallet();
  const customer = useCustomer(wallet?.address ?? null);
  if (wallet === null) {
    return (
      <Card title="What you have there">
        <Empty>Connect a wallet: a customer is an address, and his spending keys are others.</Empty>
      </Card>
    );
  }
  return (
    <Answer of={customer} lines={5}>
      {(mine) => <Known who={wallet.address} mine={mine} asset={asset} market={market} room={room} />}
    </Answer>
  );
}

type Doing = 'deposit' | 'withdraw' | 'key' | null;

function Known({
  who,
  mine,
  asset,
  market,
  room,
}: {
  who: Hex;
  mine: Customer;
  asset: Counted;
  market: Market | null;
  room: Room;
}) {
  const [doing, setDoing] = useState<Doing>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const close = () => {
    setDoing(null);
    setProposal(null);
  };
  const copy = castCommand(
    `call ${to} 'customerOf(address)((uint256,uint256,uint256,uint256,uint64,address[],bytes32))' ${who}`,
  );
  return (
    <>
      <Card title="What you have there" command={copy}>
        <Stats>
          <Stat name="Free" large note="yours at once, without a delay">
            <Num copy={copy}>{told(asset, mine.free)}</Num>
          </Stat>
          <Stat name="Bound to machines" note="comes back when a hold is over">
            <Num copy={copy}>{told(asset, mine.bound)}</Num>
          </Stat>
          <Stat name="In claims" note="until auditors have spoken">
            <Num copy={copy}>{told(asset, mine.claimed)}</Num>
          </Stat>
          <Stat name="Paid so far">
            <Num copy={copy}>{told(asset, mine.paid)}</Num>
          </Stat>
        </Stats>
        <div className="row">
          <Button look="primary" onClick={() => setDoing('deposit')}>
            Bring in…
          </Button>
          <Button disabled={mine.free === 0n} onClick={() => setDoing('withdraw')}>
            Take out…
          </Button>
        </div>
      </Card>
      <SpendingKeys mine={mine} asset={asset} onNew={() => setDoing('key')} onCall={setProposal} />
      <Holds mine={mine} asset={asset} />
      <Claims who={who} asset={asset} />
      {proposal === null && (doing === 'deposit' || doing === 'withdraw') ? (
        <MoveDialog
          who={who}
          isIn={doing === 'deposit'}
          free={mine.free}
          asset={asset}
          market={market}
          onClose={close}
          onCall={setProposal}
        />
      ) : null}
      {proposal === null && doing === 'key' ? (
        <KeyDialog asset={asset} endMs={Number(room.epochEndMs)} onClose={close} onCall={setProposal} />
      ) : null}
      {proposal === null ? null : <SignCall from={who} proposal={proposal} onClose={close} />}
    </>
  );
}

function SpendingKeys({
  mine,
  asset,
  onNew,
  onCall,
}: {
  mine: Customer;
  asset: Counted;
  onNew: () => void;
  onCall: (proposal: CallProposal) => void;
}) {
  return (
    <Card
      title="Spending keys"
      flush
      aside={
        <Button slim onClick={onNew}>
          Set a key…
        </Button>
      }
    >
      {mine.keys.length === 0 ? (
        <Empty>Your software pays machines by keys of its own, each within what you allow it. There is none yet.</Empty>
      ) : (
        <Table
          caption="Your spending keys"
          head={
            <>
              <th scope="col">Key</th>
              <th scope="col">May bind now</th>
              <th scope="col">Spent of all</th>
              <th scope="col">This period</th>
              <th scope="col" className="start">
                Until
              </th>
              <th scope="col">
                <span className="unseen">Act</span>
              </th>
            </>
          }
        >
          {mine.keys.map((one) => (
            <tr key={one.key}>
              <th scope="row">
                <Address of={one.key} /> {one.isRevoked ? <Badge>revoked</Badge> : null}
              </th>
              <td>{told(asset, one.left)}</td>
              <td>
                {told(asset, one.spent)}
                <span className="note">of {told(asset, one.limits.total)}</span>
              </td>
              <td>
                {told(asset, one.spentInPeriod)}
                <span className="note">
                  of {told(asset, one.limits.perPeriod)} in {lasting(Number(one.limits.periodMs))}
                </span>
              </td>
              <td className="start">{moment(Number(one.limits.untilMs))}</td>
              <td>
                {one.isRevoked ? null : (
                  <Button
                    slim
                    look="danger"
                    aria-label={`Revoke ${one.key}`}
                    onClick={() =>
                      onCall({
                        title: 'Revoke a spending key',
                        lines: [
                          `${one.key} binds nothing more from now on`,
                          'What it has bound comes back when its holds are over',
                        ],
                        ...callOf(encodeFunctionData({ abi: jobsAbi, functionName: 'revokeKey', args: [one.key] })),
                      })
                    }
                  >
                    Revoke
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function Holds({ mine, asset }: { mine: Customer; asset: Counted }) {
  const { part, pages } = useParts(mine.channels, SHOWN, 'More holds');
  if (mine.channels.length === 0) return null;
  return (
    <Card title="What is bound, and to whom" flush>
      <Table
        caption="Your channels, the newest first"
        head={
          <>
            <th scope="col">Machine</th>
            <th scope="col">Class</th>
            <th scope="col">Bound</th>
            <th scope="col">In claims</th>
            <th scope="col">Paid</th>
            <th scope="col">Came back</th>
            <th scope="col" className="start">
              Free again
            </th>
          </>
        }
      >
        {part.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <a href={`#/machines/${one.machineId}`}>{one.machineId.toString()}</a>
            </th>
            <td>{one.classId}</td>
            <td>{told(asset, one.bound)}</td>
            <td>{told(asset, one.claimed)}</td>
            <td>{told(asset, one.paid)}</td>
            <td>{told(asset, one.returned)}</td>
            <td className="start">{one.bound === 0n ? '–' : moment(Number(one.freeFromMs))}</td>
          </tr>
        ))}
      </Table>
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}

function Claims({ who, asset }: { who: Hex; asset: Counted }) {
  const claims = useClaimsOf(who);
  return <Answer of={claims}>{(all) => <ClaimsTable all={all} asset={asset} />}</Answer>;
}

function ClaimsTable({ all, asset }: { all: NonNullable<ReturnType<typeof useClaimsOf>['data']>; asset: Counted }) {
  const { part, pages } = useParts(all, SHOWN, 'More claims');
  return (
    <Card title="Claims of machines against you" flush>
      {all.length === 0 ? (
        <Empty>No machine has claimed pay from you among the newest claims.</Empty>
      ) : (
        <Table
          caption="Claims, the newest first"
          head={
            <>
              <th scope="col">Claim</th>
              <th scope="col" className="start">
                Phase
              </th>
              <th scope="col" className="start grow">
                Why it was refunded
              </th>
              <th scope="col">Receipts</th>
              <th scope="col">Asked for</th>
              <th scope="col">Bond behind it</th>
            </>
          }
        >
          {part.map((one) => {
            const phase = phaseWords(one.phase);
            return (
              <tr key={one.id}>
                <th scope="row">
                  {one.id.toString()}
                  <span className="note">machine {one.machineId.toString()}</span>
                </th>
                <td className="start">
                  <Badge tone={phase.tone}>{phase.words}</Badge>
                  {one.dueMs === 0n ? null : <span className="note">until {moment(Number(one.dueMs))}</span>}
                </td>
                <td className="start grow">{refundWords(one.reason) || <span className="faint">–</span>}</td>
                <td>{one.voucher.receipts}</td>
                <td>{told(asset, one.voucher.cost)}</td>
                <td>{told(asset, one.slash)}</td>
              </tr>
            );
          })}
        </Table>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}

function Prices({ asset, room }: { asset: Counted; room: Room }) {
  return (
    <Card title="What work costs" flush>
      {room.classes.length === 0 ? (
        <Empty>No class of work is open yet.</Empty>
      ) : (
        <Table
          caption="Classes of work, in region 0"
          head={
            <>
              <th scope="col">Class</th>
              <th scope="col" className="start grow">
                Program
              </th>
              <th scope="col">A million read</th>
              <th scope="col">A million written</th>
            </>
          }
        >
          {room.classes.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                {one.id} {one.isClosed ? <Badge>closed</Badge> : null}
              </th>
              <td className="start grow">
                <Address of={one.program} />
              </td>
              <td>{told(asset, one.price.inputPrice)}</td>
              <td>{told(asset, one.price.outputPrice)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

interface Form {
  readonly asset: Counted;
  readonly onClose: () => void;
  readonly onCall: (proposal: CallProposal) => void;
}

function MoveDialog({
  who,
  isIn,
  free,
  asset,
  market,
  onClose,
  onCall,
}: Form & { who: Hex; isIn: boolean; free: bigint; market: Market | null }) {
  const [text, setText] = useState('');
  const balance = useWalletBalance(market ?? undefined, who);
  const most = isIn ? (balance.data ?? 0n) : free;
  const read = readAmount(text, asset.decimals, most);
  const wrong = someWrong(text, read, { of: most, where: isIn ? 'the wallet has' : 'free are' });
  const propose = () => {
    if (!read.ok) return;
    const { amount } = read;
    if (!isIn) {
      onCall({
        title: `Take ${told(asset, amount)} out`,
        lines: [`Receive ${exactOf(asset, amount)} ${asset.symbol} in the wallet, at once`],
        ...callOf(encodeFunctionData({ abi: jobsAbi, functionName: 'withdraw', args: [amount] })),
      });
      return;
    }
    onCall({
      title: `Bring ${told(asset, amount)} in`,
      lines: [`Pay ${exactOf(asset, amount)} ${asset.symbol}; free they are promised to nobody`],
      first:
        market?.kind === 'foreign'
          ? approvalOf(
              market.token,
              to,
              amount,
              `Allow it to take ${exactOf(asset, amount)} ${asset.symbol} from the wallet`,
            )
          : null,
      ...callOf(encodeFunctionData({ abi: jobsAbi, functionName: 'deposit', args: [who, amount] })),
    });
  };
  return (
    <Dialog title={isIn ? 'Bring units in' : 'Take free units out'} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(asset, most)} ${isIn ? 'in the wallet' : 'free'}`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}

const DAY_MS = 86_400_000;
const MAX = (1n << 112n) - 1n;

function KeyDialog({ asset, endMs, onClose, onCall }: Form & { endMs: number }) {
  const [key, setKey] = useState('');
  const [total, setTotal] = useState('1');
  const [perDay, setPerDay] = useState('0.1');
  const [days, setDays] = useState('30');
  const isKey = isAddress(key.trim(), { strict: false });
  const all = readAmount(total, asset.decimals, MAX);
  const each = readAmount(perDay, asset.decimals, MAX);
  const daysWrong = /^[0-9]{1,4}$/.test(days.trim()) && Number(days) > 0 ? null : 'whole days';
  const isPossible = isKey && all.ok && each.ok && all.amount > 0n && each.amount > 0n && daysWrong === null;
  const propose = () => {
    if (!isPossible) return;
    const untilMs = endMs + Number(days) * DAY_MS;
    const limits = { total: all.amount, perPeriod: each.amount, periodMs: BigInt(DAY_MS), untilMs: BigInt(untilMs) };
    onCall({
      title: 'Set a spending key',
      lines: [
        `${key.trim()} may bind ${exactOf(asset, all.amount)} ${asset.symbol} in all, ${exactOf(asset, each.amount)} a day`,
        `Until ${moment(untilMs)}`,
      ],
      ...callOf(encodeFunctionData({ abi: jobsAbi, functionName: 'setKey', args: [key.trim() as Hex, limits] })),
    });
  };
  return (
    <Dialog title="A spending key" onClose={onClose}>
      <TextField
        label="Address of the key that your software has"
        placeholder="0x…"
        value={key}
        onChange={setKey}
        wrong={key.trim() === '' || isKey ? null : 'an address has 0x and 40 digits'}
        autoFocus
      />
      <div className="choices">
        <AmountField
          label="In all"
          suffix={asset.symbol}
          value={total}
          onChange={setTotal}
          wrong={someWrong(total, all)}
        />
        <AmountField
          label="A day"
          suffix={asset.symbol}
          value={perDay}
          onChange={setPerDay}
          wrong={someWrong(perDay, each)}
        />
        <AmountField label="Ends in" suffix="days" value={days} onChange={setDays} wrong={daysWrong} />
      </div>
      <p className="small quiet">
        It binds within these, and only to machines that are registered. It reaches nothing else of yours.
      </p>
      <DialogActions onClose={onClose} disabled={!isPossible} onGo={propose} />
    </Dialog>
  );
}
