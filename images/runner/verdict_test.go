package main

import (
	"strings"
	"syscall"
	"testing"
)

func exited(code int) ending { return ending{status: syscall.WaitStatus(code << 8)} }

func killed(by syscall.Signal) ending { return ending{status: syscall.WaitStatus(by)} }

// reported makes a report of so many tests; tolerated ones are among the failed.
func reported(passed, failed, tolerated, setUpErrors, collectionErrors int) *Tests {
	return &Tests{
		Total: passed + failed + setUpErrors + collectionErrors, Passed: passed, Failed: failed, Tolerated: tolerated,
		Errors: setUpErrors + collectionErrors, CollectionErrors: collectionErrors,
	}
}

func TestEachRowOfTheTable(t *testing.T) {
	plain := Spec{ErrorExitCodes: []int{2, 3, 4, 5}}
	reporting := Spec{ErrorExitCodes: []int{2, 3, 4, 5}, Reports: []string{"junit.xml"}}
	counting := Spec{Reports: []string{"mocha.tap"}}
	for name, c := range map[string]struct {
		spec       Spec
		ended      ending
		tests      *Tests
		unreadable int
		code       int
		reason     string
	}{
		"the time limit comes before everything else":    {reporting, ending{timedOut: true}, reported(0, 3, 0, 0, 0), 0, 22, ""},
		"exit 0 is a pass":                               {plain, exited(0), nil, 0, 0, ""},
		"exit 0 with passed tests is a pass":             {reporting, exited(0), reported(2, 0, 0, 0, 0), 0, 0, ""},
		"exit 0 with tolerated failures is a pass":       {reporting, exited(0), reported(2, 1, 1, 0, 0), 0, 0, ""},
		"exit 0 and one of two reports cannot be read":   {reporting, exited(0), reported(2, 0, 0, 0, 0), 1, 0, ""},
		"exit 0 without a declared report is no result":  {reporting, exited(0), nil, 0, 21, ""},
		"exit 0 and no report can be read":               {reporting, exited(0), nil, 1, 21, ""},
		"exit 0 with zero tests is no result":            {reporting, exited(0), &Tests{}, 0, 21, ""},
		"exit 0 with failed tests is no pass":            {reporting, exited(0), reported(1, 256, 0, 0, 0), 0, 23, "although 256 tests failed"},
		"exit 0 with a collection error is no pass":      {reporting, exited(0), reported(3, 0, 0, 0, 1), 0, 23, "although 1 test failed"},
		"exit 0 with nothing but tolerated failures":     {reporting, exited(0), reported(0, 2, 2, 0, 0), 0, 23, "although 2 tests failed"},
		"exit 1 without reports is a failure":            {plain, exited(1), nil, 0, 1, ""},
		"exit 1 with failed tests is a failure":          {reporting, exited(1), reported(1, 1, 0, 0, 0), 0, 1, ""},
		"exit 1 with an error in a set-up is a failure":  {reporting, exited(1), reported(1, 0, 0, 1, 0), 0, 1, ""},
		"exit 1 without a declared report is no result":  {reporting, exited(1), nil, 0, 21, ""},
		"exit 1 with only collection errors":             {reporting, exited(1), reported(4, 0, 0, 0, 2), 0, 21, "2 files could not be collected"},
		"exit 1 with collection errors and a failure":    {reporting, exited(1), reported(4, 1, 0, 0, 2), 0, 1, ""},
		"exit 1 although everything passed":              {reporting, exited(1), reported(4, 0, 0, 0, 0), 0, 24, "ended with 1, although every reported test passed"},
		"exit 1, all passed, and a report is unreadable": {reporting, exited(1), reported(4, 0, 0, 0, 0), 1, 1, ""},
		"exit 1 with tolerated failures only":            {reporting, exited(1), reported(4, 1, 1, 0, 0), 0, 0, "all failures (1) are tolerated ones"},
		"exit 1, tolerated failures, another failure":    {reporting, exited(1), reported(4, 2, 1, 0, 0), 0, 1, ""},
		"exit 1, tolerated failures, nothing passed":     {reporting, exited(1), reported(0, 1, 1, 0, 0), 0, 1, ""},
		"exit 1, tolerated failures, collection errors":  {reporting, exited(1), reported(4, 1, 1, 0, 1), 0, 21, "1 file could not be collected"},
		"exit 1, tolerated failures, unreadable report":  {reporting, exited(1), reported(4, 1, 1, 0, 0), 1, 1, ""},
		"an error exit code without tests":               {reporting, exited(2), nil, 0, 21, ""},
		"an error exit code, all passed":                 {reporting, exited(3), reported(3, 0, 0, 0, 0), 0, 21, ""},
		"an error exit code with failed tests":           {reporting, exited(3), reported(0, 3, 0, 0, 0), 0, 1, "ended with 3, which can mean that tests could not run, but 3 tests failed"},
		"an error exit code with tolerated failures":     {reporting, exited(3), reported(5, 3, 3, 0, 0), 0, 21, ""},
		"a number of failures as exit code":              {counting, exited(3), reported(0, 3, 0, 0, 0), 0, 1, ""},
		"a number of tolerated failures as exit code":    {counting, exited(3), reported(5, 3, 3, 0, 0), 0, 0, "all failures (3)"},
		"126 is not runnable":                            {plain, exited(126), nil, 0, 20, ""},
		"127 is not runnable":                            {reporting, exited(127), nil, 0, 20, ""},
		"127 failed tests":                               {counting, exited(127), reported(0, 127, 0, 0, 0), 0, 1, "but 127 tests failed"},
		"no shell or workdir is not runnable":            {reporting, ending{notRunnable: true}, nil, 0, 20, ""},
		"a signal with failed tests is a failure":        {reporting, killed(syscall.SIGSEGV), reported(1, 1, 0, 0, 0), 0, 1, ""},
		"a signal after every test passed":               {reporting, killed(syscall.SIGSEGV), reported(2, 0, 0, 0, 0), 0, 24, "killed by SIGSEGV, although every"},
		"a shell's signal after every test passed":       {reporting, exited(139), reported(2, 0, 0, 0, 0), 0, 24, "ended with 139"},
		"a signal with tolerated failures is no pass":    {reporting, killed(syscall.SIGABRT), reported(2, 1, 1, 0, 0), 0, 24, "nothing failed but 1 tolerated test"},
		"a shell's signal with tolerated failures":       {reporting, exited(134), reported(2, 1, 1, 0, 0), 0, 24, "nothing failed but 1 tolerated test"},
		"a signal without a report is no result":         {reporting, killed(syscall.SIGSEGV), nil, 0, 21, ""},
		"a signal with no report declared is a failure":  {plain, killed(syscall.SIGKILL), nil, 0, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, reason := canonicalCode(situationOf(c.spec, c.ended, reports{tests: c.tests, unreadable: c.unreadable}))
			if code != c.code || !strings.Contains(reason, c.reason) || c.reason == "" && reason != "" {
				t.Errorf("got %d %q, want %d %q", code, reason, c.code, c.reason)
			}
		})
	}
}

// everySituation calls for every combination of what the table looks at.
func everySituation(see func(situation)) {
	yes := []bool{false, true}
	few := []int{0, 1}
	for _, timedOut := range yes {
		for _, declared := range yes {
			for _, passed := range few {
				for _, skipped := range few {
					for _, failed := range []int{0, 1, 2} {
						for tolerated := range failed + 1 {
							for _, setUp := range few {
								for _, collection := range few {
									tests := *reported(passed, failed, tolerated, setUp, collection)
									tests.Skipped, tests.Total = skipped, tests.Total+skipped
									for _, unreadable := range few {
										everyEnding(situation{timedOut: timedOut, declared: declared, tests: tests, unreadable: unreadable}, see)
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

func everyEnding(s situation, see func(situation)) {
	for _, exit := range []int{-1, 0, 1, 2, 77, 126, 127, 128, 139, 255} {
		s.started, s.exit, s.errorCode, s.signal = true, exit, exit == 2, 0
		if exit == -1 {
			s.signal = syscall.SIGSEGV
		}
		see(s)
		cutOff := s
		cutOff.cutOff = true
		see(cutOff)
		cutOff.running = []string{"t.py::test_a"}
		see(cutOff)
	}
	s.started, s.exit, s.errorCode, s.signal = false, -1, false, 0
	see(s)
}

func TestEveryCombinationKeepsWhatTheCodesPromise(t *testing.T) {
	reached := map[string]bool{}
	everySituation(func(s situation) {
		code, _ := canonicalCode(s)
		tolerable := s.tests.Tolerated > 0 && s.tests.Passed > 0 && s.unreadable == 0 && !s.errorCode && s.exit > 0 && s.exit < 126
		promise := map[int]bool{
			codePassed: !s.timedOut && s.started && !s.cutOff && s.counted()+s.tests.CollectionErrors == 0 &&
				(s.tests.Total > 0 || !s.declared) && (s.exit == 0 || tolerable),
			codeFailed:      s.exit != 0 && (s.counted() > 0 || s.tests.Tolerated > 0 || !s.declared || s.unreadable > 0),
			codeNotRunnable: s.counted() == 0,
			codeNoResult:    s.cutOff || s.exit == 0 && s.tests.Total == 0 || s.counted() == 0,
			codeTimeLimit:   s.timedOut,
			codeIgnored:     s.exit == 0 && s.tests.Failed+s.tests.Errors > 0,
			codeAborted:     len(s.running) > 0 && !s.timedOut,
			codeUnexplained: s.exit != 0 && s.counted()+s.tests.CollectionErrors+s.unreadable == 0 && s.declared,
		}
		if !promise[code] {
			t.Errorf("%+v: %d", s, code)
		}
		for _, rule := range verdictRules {
			if rule.applies(s) {
				reached[rule.name] = true
				break
			}
		}
	})
	if len(reached) != len(verdictRules) {
		t.Errorf("reached only %v", reached)
	}
}

func TestTolerationNeverMakesAPassOfWhatWouldAbort(t *testing.T) {
	everySituation(func(s situation) {
		without := s
		without.tests.Failed -= s.tests.Tolerated
		without.tests.Total -= s.tests.Tolerated
		without.tests.Tolerated = 0
		got, _ := canonicalCode(s)
		rest, _ := canonicalCode(without)
		if got == codePassed && rest != codePassed && rest != codeUnexplained && s.declared {
			t.Errorf("%+v passes, and ends with %d without the tolerated tests", s, rest)
		}
	})
}

func TestOnlyFailuresOfTestsAreTolerated(t *testing.T) {
	all := map[string]status{"a": failed, "b": errored, "c": uncollected, "d": failed, "e": passed}
	got := countTests(all, []string{"a", "b", "c", "e", "gone"})
	if want := (Tests{Total: 5, Passed: 1, Failed: 2, Errors: 2, CollectionErrors: 1, Tolerated: 2}); got != want {
		t.Errorf("got %+v", got)
	}
}
