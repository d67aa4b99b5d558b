package main

import (
	"syscall"
	"testing"
)

func exited(code int) ending { return ending{status: syscall.WaitStatus(code << 8)} }

func killed(by syscall.Signal) ending { return ending{status: syscall.WaitStatus(by)} }

func TestCanonicalCode(t *testing.T) {
	plain := Spec{ErrorExitCodes: []int{2, 3, 4, 5}}
	reporting := Spec{ErrorExitCodes: []int{2, 3, 4, 5}, Reports: []string{"junit.xml"}}
	some, none := &Tests{Total: 2, Passed: 1, Failed: 1}, &Tests{}
	for name, c := range map[string]struct {
		spec  Spec
		ended ending
		tests *Tests
		code  int
	}{
		"exit 0 is a pass":                              {plain, exited(0), nil, 0},
		"exit 0 with tests is a pass":                   {reporting, exited(0), some, 0},
		"exit 0 without a declared report is no result": {reporting, exited(0), nil, 21},
		"exit 0 with zero tests is no result":           {reporting, exited(0), none, 21},
		"exit 1 is a failure":                           {plain, exited(1), nil, 1},
		"exit 1 with tests is a failure":                {reporting, exited(1), some, 1},
		"exit 1 without a declared report is no result": {reporting, exited(1), nil, 21},
		"an error exit code is no result":               {plain, exited(2), nil, 21},
		"an error exit code with tests is no result":    {reporting, exited(2), some, 21},
		"any other code with tests is a failure":        {reporting, exited(77), some, 1},
		"a signal with tests is a failure":              {reporting, killed(syscall.SIGSEGV), some, 1},
		"a signal without a report is no result":        {reporting, killed(syscall.SIGSEGV), nil, 21},
		"a signal with no report declared is a failure": {plain, killed(syscall.SIGKILL), nil, 1},
		"126 is not runnable":                           {plain, exited(126), nil, 20},
		"127 is not runnable, whatever was reported":    {reporting, exited(127), some, 20},
		"no shell or workdir is not runnable":           {plain, ending{notRunnable: true}, nil, 20},
		"the time limit comes before everything else":   {plain, ending{timedOut: true}, nil, 22},
	} {
		t.Run(name, func(t *testing.T) {
			if code := canonicalCode(c.spec, c.ended, c.tests); code != c.code {
				t.Errorf("got %d, want %d", code, c.code)
			}
		})
	}
}
