// Starts the node under test and waits until it answers.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))

/// The program of a package that comes as one binary for each platform.
export function binary(name) {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  return path.join(here, 'node_modules', '@foundry-rs', `${name}-${process.platform}-${arch}`, 'bin', name)
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

export async function rpc(url, method, params = []) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = await response.json()
  if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
  return answer.result
}

/// `target` is `capstan` (the program at CAPSTAN_BIN) or `anvil` (the peer that these tests are proven on).
export async function startNode(target) {
  const port = await freePort()
  const [program, flags] =
    target === 'anvil'
      ? [binary('anvil'), ['--port', port, '--silent', '--steps-tracing']]
      : [process.env.CAPSTAN_BIN, ['dev', '--empty', '--port', port, '--block-time', process.env.CAPSTAN_BLOCK_TIME ?? '250ms']]
  if (!program || !fs.existsSync(program)) {
    throw new Error(`no program at ${program}: set CAPSTAN_BIN to the capstan program, or run \`cargo xtask test clients\``)
  }
  const child = spawn(program, flags.map(String), { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (said = (said + chunk).slice(-20_000)))
  }
  const url = `http://127.0.0.1:${port}`
  const started = Date.now()
  for (;;) {
    try {
      await rpc(url, 'eth_chainId')
      break
    } catch (error) {
      if (child.exitCode !== null || Date.now() - started > 20_000) {
        child.kill('SIGKILL')
        throw new Error(`${target} does not answer at ${url}: ${error.message}\n${said}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const answered_ms = Date.now() - started
  return {
    url,
    wsUrl: url.replace('http', 'ws'),
    answered_ms,
    output: () => said,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve(child.exitCode)
        child.once('exit', (code) => resolve(code))
        child.kill('SIGTERM')
      }),
  }
}
