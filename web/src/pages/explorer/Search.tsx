import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useNode } from '../../node/node.tsx';
import { toast } from '../../ui/index.ts';
import { find } from './find.ts';
import { useContracts } from './queries.ts';

/** One field for whatever somebody has in hand. */
export function SearchField() {
  const [text, setText] = useState('');
  const { rpc } = useNode();
  const contracts = useContracts();
  const navigate = useNavigate();
  const search = async () => {
    const names = (contracts.data ?? []).map((contract) => contract.name);
    const isBlock = async (hash: `0x${string}`) =>
      (await rpc.link.request('eth_getBlockByHash', [hash, false])) !== null;
    const found = await find(text, names, isBlock);
    if (!found.ok) {
      toast(found.words);
      return;
    }
    setText('');
    void navigate(`/explorer/${found.path}`);
  };
  return (
    <form
      role="search"
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        search().catch((error: unknown) => toast(error instanceof Error ? error.message : String(error)));
      }}
    >
      <div className="input">
        <input
          type="search"
          aria-label="Search a block, transaction, address or contract"
          placeholder="Block, hash, address, contract"
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
      </div>
    </form>
  );
}
