// Prints the creation code of PeerToken, or of another contract of this folder, compiled with the solc and OpenZeppelin of ../clients.
// Write the fixtures anew:  for name in PeerToken PeerPair; do node testing/peers/compile.mjs $name > testing/peers/$name.hex; done
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const name = process.argv[2] ?? 'PeerToken'
const clients = process.argv[3] ?? path.join(here, '..', 'clients')
const solc = createRequire(path.join(clients, 'compile.mjs'))('solc')
const file = `${name}.sol`
const input = {
  language: 'Solidity',
  sources: { [file]: { content: fs.readFileSync(path.join(here, file), 'utf8') } },
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
console.log(output.contracts[file][name].evm.bytecode.object)
