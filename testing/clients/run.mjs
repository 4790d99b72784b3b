// Runs every *.test.mjs against one started node: `node run.mjs [--target capstan|anvil] [FILE..]`.
//
// anvil is the known peer: a test that it fails is a wrong test. What is Capstan's own is skipped there.
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { compile } from './compile.mjs'
import { startNode } from './node.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values, positionals } = parseArgs({
  options: { target: { type: 'string', default: 'capstan' } },
  allowPositionals: true,
})

compile()
const node = await startNode(values.target)
console.log(`${values.target} answers at ${node.url} after ${node.answered_ms} ms`)
process.env.TARGET = values.target
process.env.RPC_URL = node.url
process.env.WS_URL = node.wsUrl

const names = positionals.length > 0 ? positionals : fs.readdirSync(here).filter((name) => name.endsWith('.test.mjs'))
const files = names.sort().map((name) => path.join(here, name))
const counts = { passed: 0, failed: 0, skipped: 0 }
const failed = []

// A suite or a file counts through the tests inside it, unless it failed by itself.
const count = (event, outcome) => {
  const isGroup = event.details?.type === 'suite' || files.includes(event.name)
  const failedInside = event.details?.error?.failureType === 'subtestsFailed'
  if (isGroup && (outcome === 'passed' || failedInside)) return
  const kept = event.skip !== undefined || event.todo !== undefined ? 'skipped' : outcome
  counts[kept] += 1
  if (kept === 'failed') failed.push(`${path.basename(event.file ?? '')} ${event.name}`)
}
const stream = run({ files, concurrency: 2, timeout: 180_000 })
stream.on('test:pass', (event) => count(event, 'passed'))
stream.on('test:fail', (event) => count(event, 'failed'))
stream.compose(new spec()).pipe(process.stdout, { end: false })
await new Promise((resolve) => stream.once('end', resolve))
const code = await node.stop()
await new Promise((resolve) => setTimeout(resolve, 100))

if (code !== 0 && values.target === 'capstan') {
  console.log(`capstan ended with ${code} after SIGTERM:\n${node.output()}`)
  counts.failed += 1
  failed.push('the end of the node')
}
for (const name of failed) console.log(`FAILED ${name}`)
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0)
