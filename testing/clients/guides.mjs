// Guides are scripts: what stands in a page's shell blocks is executed, and what the page shows as its output must come out.
//
//   ```sh                            commands, in their order, in one shell
//   ```sh in a terminal of its own   a program that goes on running: started in the background, and waited for
//   ```text                          behind one of the first kind: lines that it printed; `...` stands for whatever is there
//   ```bash                          not executed here (a build, an installation)
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { binary, freePort } from './node.mjs'

const OWN_TERMINAL = 'in a terminal of its own'
/// The port that pages name; each run takes a free one.
const SHOWN_PORT = '8545'
const PATIENCE_S = 170

/// The blocks of a page: [{info, text, line}].
export function blocks(page) {
  const found = []
  let open
  page.split('\n').forEach((line, at) => {
    if (open && line === '```') {
      found.push({ ...open, text: open.lines.join('\n') })
      open = undefined
    } else if (open) {
      open.lines.push(line)
    } else if (line.startsWith('```')) {
      open = { info: line.slice(3).trim(), lines: [], line: at + 1 }
    }
  })
  if (open) throw new Error(`the block of line ${open.line} does not end`)
  return found
}

/// How wide a column is does not matter.
const plain = (line) => line.trim().replace(/\s+/g, ' ')

/// The first line that is shown and was not printed, where lines stand in the order of the page.
export function missing(shown, printed) {
  const lines = printed.split('\n').map(plain)
  let from = 0
  for (const line of shown.split('\n').map(plain).filter((text) => text !== '' && text !== '...')) {
    const parts = line.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const wanted = new RegExp(`^${parts.join('.*')}$`)
    const at = lines.findIndex((text, index) => index >= from && wanted.test(text))
    if (at < 0) return line
    from = at + 1
  }
  return undefined
}

/// Follows a page. Answers what is wrong with it: an empty list if it is true.
export async function follow(file, programs) {
  const port = String(await freePort())
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'capstan-guide-'))
  const page = blocks(fs.readFileSync(file, 'utf8'))
  const script = ['set -e', `trap 'code=$?; kill $(jobs -p) 2> /dev/null || true; wait; exit $code' EXIT`, `export CAPSTAN_RPC=http://127.0.0.1:${port}`]
  const shown = []
  for (const { info, text, line } of page) {
    const commands = text.replaceAll(SHOWN_PORT, port)
    if (info === 'sh') {
      script.push(`echo; echo "#### ${line}"`, commands)
      shown.push({ line, texts: [] })
    } else if (info === `sh ${OWN_TERMINAL}`) {
      const where = commands.includes(port) ? '' : ` --port ${port}`
      script.push(`${commands}${where} > node.log 2>&1 &`, `until cast block-number --rpc-url $CAPSTAN_RPC > /dev/null 2>&1; do sleep 0.2; done`)
    } else if (info === 'text' && shown.length > 0) {
      shown.at(-1).texts.push({ line, text: text.replaceAll(SHOWN_PORT, port) })
    }
  }
  const { code, said } = await bash(script.join('\n'), folder, programs)
  const log = path.join(folder, 'node.log')
  const ends = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(-2_000) : ''
  fs.rmSync(folder, { recursive: true, force: true })
  const printed = new Map(said.split('\n#### ').slice(1).map((part) => [Number(part.split('\n', 1)[0]), part]))
  const wrong = []
  if (code !== 0) wrong.push(`the shell ended with ${code}:\n${said.slice(-3_000)}\n${ends}`)
  for (const { line, texts } of shown) {
    for (const { line: at, text } of texts) {
      const lacks = missing(text, printed.get(line) ?? '')
      if (lacks !== undefined) wrong.push(`line ${at} shows \`${lacks}\`, and what ran in line ${line} printed:\n${(printed.get(line) ?? 'nothing: it was not reached').slice(-3_000)}`)
    }
  }
  return { wrong, commands: shown.length, outputs: shown.reduce((sum, { texts }) => sum + texts.length, 0) }
}

function bash(script, folder, programs) {
  return new Promise((resolve, reject) => {
    const path = [...programs, process.env.PATH].join(':')
    // A group of its own, so that nothing outlives it.
    // One stream, as at a terminal: two pipes may be read in another order than they were written.
    const child = spawn('bash', ['-c', `exec 2>&1\n${script}`], { cwd: folder, detached: true, env: { ...process.env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    const kill = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    const late = setTimeout(kill, PATIENCE_S * 1_000)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(late)
      kill()
      resolve({ code, said })
    })
  })
}

/// Where the programs lie that guides name.
export const programs = () => [path.dirname(process.env.CAPSTAN_BIN), path.dirname(binary('cast'))]
