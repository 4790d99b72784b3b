// Creation codes of the peers of the lending tests, by name: build/rooms.json.
import { build, folder } from '../solidity.mjs'

const contracts = { PeerAave: 'PeerAave.sol', PeerMorpho: 'PeerShares.sol', PeerAsset: 'PeerShares.sol', PeerVault: 'PeerShares.sol' }
const options = { output: 'bytecode', evmVersion: 'shanghai' }

build(folder(import.meta.url), 'rooms', ['PeerAave.sol', 'PeerShares.sol'], options, (code) =>
  Object.fromEntries(Object.entries(contracts).map(([name, file]) => [name, code(file, name)])),
)
