// The bytecode that native contracts are compared with is what solc makes of its source, with OpenZeppelin's own package.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const peers = new URL('../peers/', import.meta.url)

for (const name of ['PeerToken', 'PeerPair']) {
  test(`${name} is what solc makes of its source`, () => {
    const made = execFileSync(process.execPath, [fileURLToPath(new URL('compile.mjs', peers)), name], { encoding: 'utf8' })
    assert.equal(made.trim(), fs.readFileSync(new URL(`${name}.hex`, peers), 'utf8').trim())
  })
}
