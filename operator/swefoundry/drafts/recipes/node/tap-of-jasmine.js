// A helper of jasmine (`--helper=`) that prints the results of its tests as TAP, beside what jasmine prints itself.
const statuses = { passed: 'ok', failed: 'not ok', pending: 'ok', excluded: 'ok' }
let number = 0

// On lines of their own: jasmine prints points without line feeds.
function print (status, name, directive) {
  number += 1
  const text = name.replace(/\s+/g, ' ').replace(/([#\\])/g, '\\$1')
  process.stdout.write('\n' + statuses[status] + ' ' + number + ' - ' + text + directive + '\n')
}

// Errors outside of tests, such as those of afterAll.
function printFailed (result, name) {
  if ((result.failedExpectations || []).length) print('failed', name, '')
}

jasmine.getEnv().addReporter({
  specDone (result) {
    print(result.status, result.fullName, /^(pending|excluded)$/.test(result.status) ? ' # SKIP' : '')
  },
  suiteDone (result) {
    printFailed(result, result.fullName)
  },
  jasmineDone (result) {
    printFailed(result || {}, 'outside of all tests')
    process.stdout.write('\n1..' + number + '\n')
  }
})
