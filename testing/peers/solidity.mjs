// Runs solc-js over harnesses beside this file and what they import from npm, and keeps the result in build/, which is
// no part of the repository: the peers' code stays under its own licence and on the machine that compares with it.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const read = (...names) => fs.readFileSync(path.join(here, ...names), 'utf8')

/// Compiled contracts of some harnesses: `code(file, name)` answers hexadecimal code.
function compile(files, { output, libraries = {} }) {
  const solc = createRequire(import.meta.url)('solc')
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((file) => [file, { content: read(file) }])),
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'shanghai',
      remappings: ['openzeppelin-contracts/contracts/=@openzeppelin/contracts/'],
      libraries,
      outputSelection: { '*': { '*': [`evm.${output}.object`] } },
    },
  }
  const find = (name) => ({ contents: read('node_modules', name) })
  const compiled = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
  const errors = (compiled.errors ?? []).filter((error) => error.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  return (file, name) => compiled.contracts[file][name].evm[output].object
}

/// Writes `build/<into>.json` from what `make` answers, unless it was made from these very files.
export function build(into, files, options, make) {
  const target = path.join(here, 'build', `${into}.json`)
  const source = [...files, 'package-lock.json'].map((file) => read(file)).join('\n')
  if (fs.existsSync(target) && JSON.parse(fs.readFileSync(target, 'utf8')).source === source) return
  console.log(`compiling ${files.join(', ')}`)
  const made = make(compile(files, options))
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(`${target}.new`, JSON.stringify({ source, ...made }))
  fs.renameSync(`${target}.new`, target)
}
