package main

import "slices"

// The canonical code of an ending; the table is in docs/runner.md.

const (
	codePassed      = 0
	codeFailed      = 1
	codeNotRunnable = 20
	codeNoResult    = 21
	codeTimeLimit   = 22
)

// Tests are the counts of all reports together.
type Tests struct {
	Total   int `json:"total"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Errors  int `json:"errors"`
	Skipped int `json:"skipped"`
}

func (t Tests) plus(o Tests) Tests {
	return Tests{t.Total + o.Total, t.Passed + o.Passed, t.Failed + o.Failed, t.Errors + o.Errors, t.Skipped + o.Skipped}
}

// canonicalCode lets the exit status decide and a report only take away: no report can turn a failure into a pass.
func canonicalCode(spec Spec, ended ending, tests *Tests) int {
	exit := ended.exitCode()
	noTests := tests == nil || tests.Total == 0
	switch {
	case ended.timedOut:
		return codeTimeLimit
	case ended.notRunnable, exit == 126, exit == 127:
		return codeNotRunnable
	case slices.Contains(spec.ErrorExitCodes, exit):
		return codeNoResult
	case len(spec.Reports) > 0 && noTests:
		return codeNoResult
	case exit == 0:
		return codePassed
	default:
		return codeFailed
	}
}
