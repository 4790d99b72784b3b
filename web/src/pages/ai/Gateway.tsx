import { useState } from 'react';
import { Answer, Button, Card, CopyCommand, Empty, Notice, Steps, TextField } from '../../ui/index.ts';
import { Refused, setToken, tokenIn, useHasGateway, useOverview, useToken } from './door.ts';
import { Keys } from './Keys.tsx';
import { Receipts, Usage } from './Receipts.tsx';
import { Servers } from './Servers.tsx';

/** The gateway on this node's port: there is none, it wants its owner's token, or all of it. */
export function Gateway() {
  const has = useHasGateway();
  const token = useToken();
  const asked = useOverview(has.data === true ? token : null);
  return (
    <Answer of={has}>
      {(isThere) => {
        if (!isThere) return <None />;
        if (token === null) return <Owner why={null} />;
        if (asked.error instanceof Refused && asked.data === undefined) return <Owner why={asked.error.message} />;
        return (
          <Answer of={asked} lines={8}>
            {(all) => (
              <div className="stack ai">
                {asked.error ? (
                  <Notice tone="warn" title="The gateway does not answer now">
                    {asked.error.message}. What you see is what it said last.
                  </Notice>
                ) : null}
                <Keys token={token} keys={all.keys} />
                <Usage all={all} />
                <Receipts receipts={all.receipts} />
                <Servers token={token} all={all} />
              </div>
            )}
          </Answer>
        );
      }}
    </Answer>
  );
}

const BUNDLED = 'capstan dev --model smollm2';
const OWN = 'capstan dev --upstream http://127.0.0.1:8000/v1';
const ALONE = 'capstan gateway --upstream http://127.0.0.1:8000/v1';

function None() {
  return (
    <Card title="This node has no gateway">
      <Empty>
        It was started without a model and without a model server, so there is nothing to ask on its port. Start it anew
        with one of these; nothing else changes.
      </Empty>
      <Steps
        label="How to get one"
        of={[
          {
            title: 'A small model inside this program',
            words: <Line command={BUNDLED} before="capstan model get smollm2 fetches it once. " />,
            isDone: false,
          },
          {
            title: 'Your own server: vLLM, SGLang, Ollama, llama.cpp',
            words: <Line command={OWN} before="" />,
            isDone: false,
          },
          {
            title: 'Without a chain, at its own port',
            words: (
              <Line
                command={ALONE}
                before="It prints the address of its own page of use, http://127.0.0.1:8550/usage: this page asks nobody but its node. "
              />
            ),
            isDone: false,
          },
        ]}
      />
    </Card>
  );
}

function Line({ command, before }: { command: string; before: string }) {
  return (
    <>
      {before}
      <code>{command}</code> <CopyCommand command={command} />
    </>
  );
}

/** Keys and receipts are the owner's: he has the token, and this tab forgets it when it is closed. */
function Owner({ why }: { why: string | null }) {
  const [text, setText] = useState('');
  const found = tokenIn(text);
  const wrong = text.trim() !== '' && found === null ? 'it begins with capstan-owner-' : null;
  return (
    <Card title="There is a gateway. Are you its owner?">
      {why === null ? null : (
        <Notice tone="warn" title="The gateway refused this token">
          {why}.
        </Notice>
      )}
      <p className="quiet">
        It printed an address when it started: “Use”, with a token behind it. Paste either. The same token lies in{' '}
        <code>gateway.json</code> of its data folder, and changes with each start.
      </p>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (found !== null) setToken(found);
        }}
      >
        <TextField
          label="The owner’s token, or that address"
          placeholder="capstan-owner-…"
          value={text}
          onChange={setText}
          wrong={wrong}
        />
        <div className="row">
          <Button type="submit" look="primary" disabled={found === null}>
            Open it
          </Button>
          {why === null ? null : (
            <Button look="bare" onClick={() => setToken(null)}>
              Forget the old one
            </Button>
          )}
        </div>
      </form>
      <p className="small faint">It stays in this tab, and is sent to this node alone.</p>
    </Card>
  );
}
