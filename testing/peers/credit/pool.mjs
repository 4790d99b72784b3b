// Compiles the whole of Aave v3 with PeerPool.sol for `cargo xtask bench credit`, and writes build/pool.json: code by
// name, libraries at the addresses that the others are linked to. Nothing of it is kept in the repository.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const into = path.join(here, 'build', 'pool.json')
const source = fs.readFileSync(path.join(here, 'PeerPool.sol'), 'utf8')
const made = fs.existsSync(into) ? JSON.parse(fs.readFileSync(into, 'utf8')) : {}
if (made.source === source) process.exit(0)

const solc = createRequire(import.meta.url)('solc')
const find = (name) => ({ contents: fs.readFileSync(path.join(here, 'node_modules', name), 'utf8') })
const logic = '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/logic/'
const names = ['BorrowLogic', 'SupplyLogic', 'FlashLoanLogic', 'LiquidationLogic', 'PoolLogic', 'ConfiguratorLogic']
const address = (at) => `0x${(0x11b00 + at).toString(16).padStart(40, '0')}`
const libraries = Object.fromEntries(names.map((name, at) => [`${logic}${name}.sol`, { [name]: address(at) }]))
const input = {
  language: 'Solidity',
  sources: { 'PeerPool.sol': { content: source } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'shanghai',
    remappings: ['openzeppelin-contracts/contracts/=@openzeppelin/contracts/'],
    libraries,
    outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
  },
}
console.log('compiling Aave v3; this takes about 20 s')
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
const errors = (output.errors ?? []).filter((error) => error.severity === 'error')
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
const code = (file, name) => output.contracts[file][name].evm.deployedBytecode.object
const placed = names.map((name, at) => [address(at), code(`${logic}${name}.sol`, name)])
fs.mkdirSync(path.dirname(into), { recursive: true })
const [pool, driver] = ['PeerPool', 'PeerDriver'].map((name) => code('PeerPool.sol', name))
fs.writeFileSync(into, JSON.stringify({ source, libraries: Object.fromEntries(placed), pool, driver }))
