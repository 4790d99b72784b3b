// Compiles contracts/*.sol with npm's solc, in memory, and answers {name: {abi, bytecode}}. Imports of `capstan/` are
// the generated interfaces of native contracts; they are compiled too, all of them.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const here = path.dirname(fileURLToPath(import.meta.url))
const cache = path.join(here, 'build', 'artifacts.json')
const natives = path.join(here, '..', '..', 'solidity')

export function artifacts() {
  return JSON.parse(fs.readFileSync(cache, 'utf8'))
}

export function compile() {
  const folder = path.join(here, 'contracts')
  const sources = {}
  for (const file of fs.readdirSync(folder).sort()) {
    sources[file] = { content: fs.readFileSync(path.join(folder, file), 'utf8') }
  }
  for (const file of fs.readdirSync(natives).sort()) {
    sources[`capstan/${file}`] = { content: fs.readFileSync(path.join(natives, file), 'utf8') }
  }
  const input = {
    language: 'Solidity',
    sources,
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'osaka',
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const solc = require('solc')
  const find = (name) => ({ contents: fs.readFileSync(path.join(here, 'node_modules', name), 'utf8') })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  const found = {}
  for (const file of Object.keys(sources)) {
    for (const [name, contract] of Object.entries(output.contracts[file])) {
      found[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
    }
  }
  fs.mkdirSync(path.dirname(cache), { recursive: true })
  fs.writeFileSync(cache, JSON.stringify(found))
  return found
}
