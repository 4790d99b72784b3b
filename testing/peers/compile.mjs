// Prints the creation code of PeerToken, compiled with the solc and OpenZeppelin of ../clients.
// Write the fixture anew:  node testing/peers/compile.mjs > testing/peers/PeerToken.hex
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const clients = process.argv[2] ?? path.join(here, '..', 'clients')
const solc = createRequire(path.join(clients, 'compile.mjs'))('solc')
const input = {
  language: 'Solidity',
  sources: { 'PeerToken.sol': { content: fs.readFileSync(path.join(here, 'PeerToken.sol'), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'osaka',
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
}
const find = (name) => ({ contents: fs.readFileSync(path.join(clients, 'node_modules', name), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
const errors = (output.errors ?? []).filter((error) => error.severity === 'error')
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
console.log(output.contracts['PeerToken.sol'].PeerToken.evm.bytecode.object)
