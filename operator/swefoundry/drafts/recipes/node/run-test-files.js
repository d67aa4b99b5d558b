// Runs test files, each by itself, and writes one TAP report with a point per test: `path::suite > test`.
// A file that ends without a test is a point of its own. Where jest or vitest runs them, its JSON report is read instead.
// Arguments: the report, the kind of runner (tap, json or exit), its command, and the files, relative to the root. Before
// these, --only=PATTERN may stand: other files are not run by themselves.
const fs = require('fs')
const path = require('path')
const { spawnSync } = require('child_process')

const [report, kind, command, ...named] = process.argv.slice(2)
const only = new RegExp(/^--only=/.test(named[0]) ? named.shift().slice('--only='.length) : '')
const files = named.filter((file) => /\.[cm]?[jt]sx?$/.test(file) && only.test(file))
const root = path.dirname(report)
const points = new Map()

function add (name, status) {
  const order = ['skipped', 'passed', 'todo', 'failed']
  const known = points.get(name)
  if (known === undefined || order.indexOf(status) > order.indexOf(known)) points.set(name, status)
}

function run (shellCommand, errors) {
  const options = { shell: '/bin/sh', stdio: ['ignore', 'pipe', errors], maxBuffer: 1 << 28 }
  const result = spawnSync(shellCommand, options)
  process.stdout.write(result.stdout || '')
  process.stderr.write(result.stderr || '')
  return { code: result.status, text: String(result.stdout || ''), errors: String(result.stderr || '') }
}

function quoted (text) {
  return "'" + text.replace(/'/g, "'\\''") + "'"
}

// Numbers of tests, and names of subtests, which some writers put before the points of the subtest.
const REMARK = /^(subtest: |(tests|pass|passed|fail|failed|skip|skipped|todo|ok|suites|cancelled|duration_ms|time)\b ?[=:]? ?[\d.]*(ms)?$|time=|failed \d+ )/i
const POINT = /^(not )?ok\b(?: +\d+)?(?: *- *| +|$)(.*?)(?: *# *(time=.*|skip\b.*|todo\b.*))?$/i

// A point of lab: `ok 2 (2) name`, `ok 3 # SKIP (3) name`. Its number would change the name where a test is added.
const NUMBERED = /^((?:not )?ok +(\d+) )(# \w+ )?\(\2\) (.*)$/

// The points of a TAP stream without children, each with the names of its parents, which come after them.
function leaves (text) {
  const levels = [{ found: [], heading: '' }]
  let planned = false
  let inBlock = false
  for (const line of text.split(/\r?\n/)) {
    const body = line.trim().replace(NUMBERED, (_, start, number, directive, name) => `${start}${name} ${directive || ''}`.trim())
    const level = Math.floor(/^ */.exec(line)[0].length / 4)
    if (inBlock || (body === '---' && line !== body)) {
      inBlock = body !== '...'
      continue
    }
    planned = planned || (level === 0 && /^1\.\.\d+/.test(body))
    const point = POINT.exec(body)
    if (!point && !/^# /.test(body)) continue
    while (levels.length <= level) levels.push({ found: [], heading: '' })
    if (!point) {
      if (!REMARK.test(body.slice(2))) levels[level].heading = body.slice(2).trim()
      continue
    }
    const children = levels.splice(level + 1).reduce((all, one) => all.concat(one.found), [])
    levels[level].found.push(...leavesOf(point, children, levels[level].heading))
  }
  return { found: levels.reduce((all, one) => all.concat(one.found), []), planned, running: levels[0].heading }
}

function leavesOf (point, children, heading) {
  const directive = (point[3] || '').slice(0, 4).toLowerCase()
  const failed = directive === 'todo' ? 'todo' : 'failed'
  const status = directive === 'skip' ? 'skipped' : point[1] ? failed : 'passed'
  const text = point[2].replace(/\\([#\\])/g, '$1').trim()
  if (children.length === 0) return [{ name: [heading || text], status }]
  const unexplained = status === 'failed' && !children.some((one) => one.status === 'failed')
  const below = children.map((one) => ({ name: [text, ...one.name], status: one.status }))
  return unexplained ? [...below, { name: [text], status }] : below
}

// What Node says of a file that it cannot load: its tests did not run.
const NOT_LOADED = /^(?:\w*Error|Error \[\w+\]|SyntaxError \[\w+\])?:? ?(?:Cannot find (?:module|package) |ERR_MODULE_NOT_FOUND|The requested module .* does not provide|⨯ Unable to compile)|^SyntaxError: /m

function runOne (file) {
  const { code, text, errors } = run(command + ' ' + quoted(path.resolve(root, file)), kind === 'exit' ? 'pipe' : 'inherit')
  if (kind === 'exit') {
    if (code !== 0 && NOT_LOADED.test(text + '\n' + errors)) return add(file, 'failed')
    return add(file + '::exit code', code === 0 ? 'passed' : 'failed')
  }
  const { found, planned, running } = leaves(text)
  for (const one of found) add(file + '::' + one.name.filter(Boolean).join(' > '), one.status)
  if (found.length === 0) return add(file, code === 0 ? 'skipped' : 'failed')
  const failed = found.some((one) => one.status === 'failed')
  // tape prints the name of a test when it begins: the one after which nothing came was under way.
  if (!planned || (code !== 0 && !failed)) add(file + '::' + ((!planned && running) || 'the whole file'), 'failed')
}

function runTogether () {
  const json = path.join(root, '.swefoundry-report.json')
  const paths = files.map((file) => quoted(path.resolve(root, file))).join(' ')
  run(command + ' --outputFile=' + quoted(json) + ' ' + paths + ' 1>&2', 'inherit')
  if (!fs.existsSync(json)) return
  const statuses = { passed: 'passed', failed: 'failed', todo: 'todo' }
  for (const file of JSON.parse(fs.readFileSync(json, 'utf8')).testResults) {
    const name = path.relative(root, file.name || file.testFilePath)
    const tests = file.assertionResults || []
    if (tests.length === 0) {
      console.log(file.message || file.failureMessage || name + ' has no test')
      add(name, file.status === 'failed' ? 'failed' : 'skipped')
    }
    for (const test of tests) {
      add(name + '::' + [...(test.ancestorTitles || []), test.title].join(' > '), statuses[test.status] || 'skipped')
    }
  }
  fs.unlinkSync(json)
}

function written (name, status, number) {
  const text = name.replace(/\s+/g, ' ').replace(/([#\\])/g, '\\$1')
  const directive = { skipped: ' # SKIP', todo: ' # TODO' }[status] || ''
  return (status === 'failed' || status === 'todo' ? 'not ok ' : 'ok ') + number + ' - ' + text + directive
}

if (kind === 'json') runTogether()
else files.forEach(runOne)
const lines = []
points.forEach((status, name) => lines.push(written(name, status, lines.length + 1)))
if (lines.length) fs.writeFileSync(report, ['TAP version 13', ...lines, '1..' + lines.length, ''].join('\n'))
const failed = [...points.keys()].filter((name) => points.get(name) === 'failed')
const passed = [...points.values()].filter((status) => status === 'passed').length
failed.forEach((name) => console.log('FAILED ' + name.replace(/\s+/g, ' ')))
console.log('== ' + failed.length + ' failed, ' + passed + ' passed ==')
process.exit(failed.length || !lines.length ? 1 : 0)
