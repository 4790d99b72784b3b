// The page of use. The token stands behind `#` of the address, which browsers send to nobody.
// Everything is written as text: names of keys and words of model servers are others'.

const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
const state = document.getElementById('state')

const time = (ms) => new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
const limit = (amount) => amount ?? 'no limit'

// Columns that stand at the right, and those whose words may be long.
const NUMBERS = new Set(['spent', 'today', 'reserved', 'requests', 'tokens in, out', 'took', 'energy'])
const WORDS = new Set(['models', 'failures', 'receipt', 'in words'])

const show = (id, heads, rows) => {
  const table = document.getElementById(id)
  const row = (cells, kind) => {
    const line = document.createElement('tr')
    for (const [at, cell] of cells.entries()) {
      const box = document.createElement(kind)
      box.textContent = cell ?? ''
      if (NUMBERS.has(heads[at])) box.className = 'number'
      if (WORDS.has(heads[at])) box.className = 'words'
      if (kind === 'th') box.scope = 'col'
      // On a phone a cell says its own name.
      else box.dataset.name = heads[at]
      line.append(box)
    }
    return line
  }
  const none = document.createElement('tr')
  const box = none.insertCell()
  box.colSpan = heads.length
  box.className = 'none'
  box.textContent = 'none'
  const lines = rows.map((cells) => row(cells, 'td'))
  table.replaceChildren(row(heads, 'th'), ...(lines.length > 0 ? lines : [none]))
}

const faults = (counts) => Object.entries(counts).map(([code, times]) => `${code} ${times}`).join(', ')

const status = (key) => {
  if (key.revoked_ms !== null) return 'revoked'
  if (key.limits.expires_ms !== null && key.limits.expires_ms <= Date.now()) return 'ended'
  return 'works'
}

// Nothing where it was not measured.
const joules = (millijoules, tokens) => {
  const taken = Number(millijoules) / 1_000
  if (taken === 0) return ''
  const each = Number(tokens) > 0 ? `, ${(taken / Number(tokens)).toFixed(2)} per token` : ''
  return `${taken.toFixed(1)} J${each}`
}

const readings = (now) => [
  now?.milliwatts != null && `${(now.milliwatts / 1_000).toFixed(1)} W`,
  now?.decikelvin != null && `${(now.decikelvin / 10 - 273.15).toFixed(0)} °C`,
  now?.used_bps != null && `${(now.used_bps / 100).toFixed(0)} % in use`,
].filter(Boolean).map((words) => `${words}. `).join('')

const draw = (use) => {
  show('upstreams', ['server', 'state', 'at work', 'models', 'failures'], use.upstreams.map((one) => [
    one.name, one.is_well ? 'answers' : 'closed', `${one.busy} of ${one.parallel}`,
    one.models === null ? 'unknown' : one.models.map((model) => model.id).join(', '),
    [faults(one.faults), one.last_fault].filter(Boolean).join(': '),
  ]))
  show('keys', ['key', 'name', 'state', 'spent', 'of at most', 'today', 'of a day', 'reserved', 'requests', 'tokens in, out'], use.keys.map((key) => [
    key.id, key.name, status(key), key.spent, limit(key.limits.total), key.spent_today, limit(key.limits.day),
    key.reserved, key.requests, `${key.input_tokens}, ${key.output_tokens}`,
  ]))
  const outcomes = ['whole', 'client left', 'server failed', 'limit', 'gateway stopped']
  show('receipts', ['when', 'model', 'tokens in, out', 'took', 'energy', 'outcome', 'receipt'], use.receipts.map(({ id, receipt, notes }) => [
    time(Number(receipt.startedMs)), notes.model, `${receipt.inputUnits}, ${receipt.outputUnits}`,
    `${receipt.tookMs} ms`, joules(receipt.energyMj, receipt.outputUnits), outcomes[receipt.outcome], id,
  ]))
  show('failures', ['when', 'key', 'model', 'what', 'in words'], use.failures.map((one) => [
    time(one.at_ms), one.key, one.model, one.code, one.message,
  ]))
  state.textContent = `Machine ${use.machine}. ${use.at_work} at work, ${use.waiting} waiting. ${readings(use.readings)}As of ${time(Date.now())}.`
}

const look = async () => {
  try {
    const answer = await fetch('/admin/overview', { headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error((await answer.json()).error.message)
    draw(await answer.json())
    state.className = ''
  } catch (error) {
    state.className = 'bad'
    state.textContent = `Nothing to see: ${error.message}. Open the address that the gateway printed when it started.`
  }
}

await look()
setInterval(look, 5_000)
