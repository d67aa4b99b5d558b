package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// The report files that the operator's reader (swefoundry.grading) must read alike, byte for byte: ids, statuses, which
// of them could not be collected, and whether the file was read completely.
// tests/unit/grading/test_report_corpus.py reads the same expectations.
const corpus = "../../tests/fixtures/reports"

type expectation struct {
	Tests       map[string]string `json:"tests"`
	Uncollected []string          `json:"uncollected"`
	Unreadable  int               `json:"unreadable"`
}

var statusNames = map[status]string{
	passed: "passed", xfailed: "xfailed", skipped: "skipped", failed: "failed", uncollected: "error", errored: "error",
}

// reading is what the runner makes of a file in its place.
func reading(t *testing.T, path string) expectation {
	t.Helper()
	all := collectReports(Spec{
		Workdir: filepath.Dir(path), Reports: []string{filepath.Base(path)}, ReportBytes: 1 << 20, ReportLogBytes: 1 << 20,
	}, events{})
	got := expectation{map[string]string{}, []string{}, all.unreadable}
	for id, how := range all.tally.statuses() {
		got.Tests[id] = statusNames[how]
		if how == uncollected {
			got.Uncollected = append(got.Uncollected, id)
		}
	}
	slices.Sort(got.Uncollected)
	return got
}

func TestReportsAreReadAsTheOperatorReadsThem(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(corpus, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]expectation
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			if got := reading(t, filepath.Join(corpus, name)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}
