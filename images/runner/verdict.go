package main

import (
	"fmt"
	"slices"
	"syscall"
)

// The canonical code of an ending: one table over the exit code and the reports. docs/runner.md has the same table.

const (
	codePassed         = 0
	codeFailed         = 1
	codeNotRunnable    = 20
	codeNoResult       = 21
	codeTimeLimit      = 22
	codeIgnored        = 23 // exit 0 although tests failed
	codeUnexplained    = 24 // another exit although every reported test passed
	codeAborted        = 25 // the run ended in the middle of a test
	shellNotExecutable = 126
	shellNotFound      = 127
	shellSignal        = 128 // a shell ends with this + n when its last command was killed by signal n
)

// situation is everything that the table looks at.
type situation struct {
	timedOut   bool
	started    bool
	exit       int            // -1 after a signal, or when nothing was started
	signal     syscall.Signal // 0 without one
	errorCode  bool           // the exit code means "the tests could not run"
	declared   bool           // the spec names reports
	tests      Tests
	unreadable int
	cutOff     bool     // the tests are those that ran before the session ended, without a report
	running    []string // the tests that were running then
}

func situationOf(spec Spec, ended ending, reports reports) situation {
	s := situation{
		timedOut: ended.timedOut, started: !ended.notRunnable, exit: ended.exitCode(),
		declared: len(spec.Reports) > 0, unreadable: reports.unreadable,
		cutOff: reports.aborted, running: reports.running,
	}
	s.errorCode = slices.Contains(spec.ErrorExitCodes, s.exit)
	if s.started && ended.status.Signaled() {
		s.signal = ended.status.Signal()
	}
	if reports.tests != nil {
		s.tests = *reports.tests
	}
	return s
}

// counted are the tests that failed and may not.
func (s situation) counted() int {
	return s.tests.Failed + s.tests.Errors - s.tests.CollectionErrors - s.tests.Tolerated
}

func (s situation) aborted() bool { return s.signal != 0 || s.exit >= shellSignal }

// end says in words how the command ended.
func (s situation) end() string {
	if s.signal != 0 {
		return "the command was killed by " + signalName(s.signal)
	}
	return fmt.Sprintf("the command ended with %d", s.exit)
}

// verdictRule is a row of the table.
type verdictRule struct {
	name    string
	applies func(situation) bool
	code    int
	reason  func(situation) string // for people; nil where the code says it all
}

// verdictRules are tried in order; the last one always applies.
var verdictRules = []verdictRule{
	{"time limits come first", func(s situation) bool { return s.timedOut }, codeTimeLimit, limitInTest},
	{"the run ended in the middle of a test", func(s situation) bool { return len(s.running) > 0 }, codeAborted, middle},
	// Some runners end with the number of failed tests, make with 2: the code of a run with failed tests says no more.
	{"a test failed and the command did not pass", func(s situation) bool { return s.exit != 0 && s.counted() > 0 },
		codeFailed, failedWithAnErrorCode},
	{"the run ended before its report was written", func(s situation) bool { return s.cutOff }, codeNoResult, beforeReport},
	{"the command could not be started", func(s situation) bool {
		return !s.started || s.exit == shellNotExecutable || s.exit == shellNotFound
	}, codeNotRunnable, nil},
	{"the exit code means that tests could not run", func(s situation) bool { return s.errorCode }, codeNoResult, nil},
	{"declared reports hold no test", func(s situation) bool { return s.declared && s.tests.Total == 0 }, codeNoResult, nil},
	{"tests failed and the command passed", func(s situation) bool {
		return s.exit == 0 && s.counted()+s.tests.CollectionErrors > 0
	}, codeIgnored, failuresIgnored},
	{"nothing but tolerated failures and the command passed", func(s situation) bool {
		return s.exit == 0 && s.tests.Tolerated > 0 && s.tests.Passed == 0
	}, codeIgnored, failuresIgnored},
	{"the command passed", func(s situation) bool { return s.exit == 0 }, codePassed, nil},
	{"the command failed and no report is declared", func(s situation) bool { return !s.declared }, codeFailed, nil},
	{"files could not be collected and no test failed", func(s situation) bool { return s.tests.CollectionErrors > 0 },
		codeNoResult, onlyCollectionErrors},
	// What was not read may hold the failure.
	{"the command failed and a report could not be read", func(s situation) bool { return s.unreadable > 0 }, codeFailed, nil},
	{"every failure is tolerated", func(s situation) bool {
		return s.tests.Tolerated > 0 && s.tests.Passed > 0 && !s.aborted()
	}, codePassed, allTolerated},
	{"no failure explains how the command ended", func(s situation) bool {
		return s.tests.Tolerated == 0 || s.tests.Passed > 0
	}, codeUnexplained, unexplained},
	{"nothing passed beside tolerated failures", func(situation) bool { return true }, codeFailed, nil},
}

// canonicalCode is pure and total.
func canonicalCode(s situation) (code int, reason string) {
	for _, rule := range verdictRules {
		if rule.applies(s) {
			if rule.reason != nil {
				reason = rule.reason(s)
			}
			return rule.code, reason
		}
	}
	panic("the last rule always applies")
}

func limitInTest(s situation) string {
	if len(s.running) == 0 {
		return ""
	}
	return inTheMiddle("the time limit was reached", s.running)
}

func middle(s situation) string { return inTheMiddle(s.end(), s.running) }

func beforeReport(s situation) string {
	return fmt.Sprintf("%s before the report was written, after %s", s.end(), many(s.tests.Total, "test"))
}

func failedWithAnErrorCode(s situation) string {
	if !s.errorCode && s.exit != shellNotExecutable && s.exit != shellNotFound {
		return ""
	}
	return fmt.Sprintf("%s, which can mean that tests could not run, but %s failed", s.end(), many(s.counted(), "test"))
}

func failuresIgnored(s situation) string {
	return fmt.Sprintf("the command ended with 0, although %s failed: its exit code is lost on the way (a pipe, "+
		"`|| true`, 256 failures) or it ignores failures", many(s.tests.Failed+s.tests.Errors, "test"))
}

func onlyCollectionErrors(s situation) string {
	return fmt.Sprintf("%s could not be collected, and no test that ran failed", many(s.tests.CollectionErrors, "file"))
}

func allTolerated(s situation) string {
	return fmt.Sprintf("%s, and all failures (%d) are tolerated ones", s.end(), s.tests.Tolerated)
}

func unexplained(s situation) string {
	if s.tests.Tolerated > 0 {
		return fmt.Sprintf("%s, although nothing failed but %s", s.end(), many(s.tests.Tolerated, "tolerated test"))
	}
	return fmt.Sprintf("%s, although every reported test passed or was skipped: a threshold of coverage, a warning that "+
		"counts as an error, a crash after the tests", s.end())
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
