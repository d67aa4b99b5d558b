package main

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The tests of all reports together. The worst result of an id counts, as in swefoundry.grading.testcase_status.

// status is ordered from the best to the worst.
type status int

const (
	passed status = iota
	xfailed
	skipped
	failed
	uncollected // an error of a file or module, as opposed to one of a test
	errored
)

const (
	maxEntries      = 1 << 20 // results in all reports
	maxIDCharacters = 64 << 20
)

var errTooMany = fmt.Errorf("more than %d results, or ids of more than %d characters", maxEntries, maxIDCharacters)

// Tests are the counts of all reports together.
type Tests struct {
	Total   int `json:"total"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Errors  int `json:"errors"`
	Skipped int `json:"skipped"`
	// CollectionErrors are those of the errors that are files or modules, not tests.
	CollectionErrors int `json:"collectionErrors"`
	// Tolerated are those of the failed and the errors that the spec tolerates.
	Tolerated int `json:"tolerated"`
}

// tally holds the worst status for each raw id.
type tally struct {
	results    map[string]result
	entries    int
	characters int
}

type result struct {
	status status
	stable string
}

func newTally() *tally { return &tally{results: map[string]result{}} }

func (t *tally) add(id testID, how status) error {
	t.entries++
	t.characters += utf8.RuneCountInString(id.raw)
	if t.entries > maxEntries || t.characters > maxIDCharacters {
		return errTooMany
	}
	t.keep(id.raw, result{how, id.stable})
	return nil
}

func (t *tally) keep(raw string, one result) {
	if known, again := t.results[raw]; again {
		one = result{max(known.status, one.status), known.stable}
	}
	t.results[raw] = one
}

// merge adds a file's tests, all of them or none.
func (t *tally) merge(part *tally) error {
	entries, characters := t.entries+part.entries, t.characters+part.characters
	if entries > maxEntries || characters > maxIDCharacters {
		return errTooMany
	}
	t.entries, t.characters = entries, characters
	for raw, one := range part.results {
		t.keep(raw, one)
	}
	return nil
}

// statuses are by final id: the stable one where it stands for one raw id.
func (t *tally) statuses() map[string]status {
	raws := map[string]int{}
	for _, one := range t.results {
		raws[one.stable]++
	}
	final := make(map[string]status, len(t.results))
	for raw, one := range t.results {
		if raws[one.stable] == 1 {
			raw = one.stable
		}
		final[raw] = max(final[raw], one.status)
	}
	return final
}

// counts are nil without a readable report. A module that could not be collected is never tolerated.
func countTests(statuses map[string]status, tolerated []string) Tests {
	tolerates := map[string]bool{}
	for _, id := range tolerated {
		tolerates[id] = true
	}
	tests := Tests{Total: len(statuses)}
	for id, how := range statuses {
		switch how {
		case passed:
			tests.Passed++
		case xfailed, skipped:
			tests.Skipped++
		case failed:
			tests.Failed++
		default:
			tests.Errors++
		}
		if how == uncollected {
			tests.CollectionErrors++
		}
		if (how == failed || how == errored) && tolerates[id] {
			tests.Tolerated++
		}
	}
	return tests
}

var (
	errEmpty       = errors.New("the file is empty")
	errUnknownKind = errors.New("neither JUnit XML, TAP, go test -json nor cargo test")
)
