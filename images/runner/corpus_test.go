package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The report files that the operator's reader (swefoundry.grading) must read alike: counts, or null for a file that is
// no report. tests/unit/grading/test_report_corpus.py reads the same expectations.
const corpus = "../../tests/fixtures/reports"

func TestReportsAreCountedAsTheOperatorReadsThem(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(corpus, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]*Tests
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			file, err := os.Open(filepath.Join(corpus, name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			got, err := countTests(file)
			switch {
			case want == nil && err == nil:
				t.Errorf("got %+v, want an error", got)
			case want != nil && (err != nil || got != *want):
				t.Errorf("got %+v, %v, want %+v", got, err, *want)
			}
		})
	}
}
