// Prints the creation codes of the peers, a line each: name, then code. Aave v3 3.6.0 (BUSL-1.1, used here for tests
// only), Morpho Blue 1.0.0 and OpenZeppelin 5.7.0 come from npm; only the harnesses around them are ours.
// Write the fixture anew:  npm ci --ignore-scripts && node compile.mjs > peers.txt
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const solc = createRequire(import.meta.url)('solc')
const find = (name) => ({ contents: fs.readFileSync(path.join(here, 'node_modules', name), 'utf8') })

function compile(file, names) {
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: fs.readFileSync(path.join(here, file), 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'shanghai',
      remappings: ['openzeppelin-contracts/contracts/=@openzeppelin/contracts/'],
      outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  for (const name of names) console.log(name, output.contracts[file][name].evm.bytecode.object)
}

compile('PeerAave.sol', ['PeerAave'])
compile('PeerShares.sol', ['PeerMorpho', 'PeerAsset', 'PeerVault'])
