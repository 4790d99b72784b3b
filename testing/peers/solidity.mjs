// Runs solc-js over harnesses of a folder and what they import from npm, and keeps the result in its build/, which is
// no part of the repository: the peers' code stays under its own licence and on the machine that compares with it.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/// The folder of a module, as a reader of its files.
export function folder(url) {
  const here = path.dirname(fileURLToPath(url))
  return {
    read: (...names) => fs.readFileSync(path.join(here, ...names), 'utf8'),
    at: (...names) => path.join(here, ...names),
    solc: () => createRequire(url)('solc'),
  }
}

/// Compiled contracts of some harnesses: `code(file, name)` answers hexadecimal code.
function compile(place, files, { output, evmVersion, libraries = {} }) {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((file) => [file, { content: place.read(file) }])),
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion,
      remappings: ['openzeppelin-contracts/contracts/=@openzeppelin/contracts/'],
      libraries,
      outputSelection: { '*': { '*': [`evm.${output}.object`] } },
    },
  }
  const find = (name) => ({ contents: place.read('node_modules', name) })
  const compiled = JSON.parse(place.solc().compile(JSON.stringify(input), { import: find }))
  const errors = (compiled.errors ?? []).filter((error) => error.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  return (file, name) => compiled.contracts[file][name].evm[output].object
}

/// Writes `build/<into>.json` from what `make` answers, unless it was made from these very files.
export function build(place, into, files, options, make) {
  const target = place.at('build', `${into}.json`)
  const source = [...files, 'package-lock.json'].map((file) => place.read(file)).join('\n')
  if (fs.existsSync(target) && JSON.parse(fs.readFileSync(target, 'utf8')).source === source) return
  console.log(`compiling ${files.join(', ')}`)
  const made = make(compile(place, files, options))
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(`${target}.new`, JSON.stringify({ source, ...made }))
  fs.renameSync(`${target}.new`, target)
}
