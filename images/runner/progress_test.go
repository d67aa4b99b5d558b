package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func recorded(lines ...string) events {
	return readEvents(strings.NewReader(strings.Join(lines, "\n") + "\n"))
}

func TestTheTestThatWasRunningWhenTheSessionEndedCountsAsFailed(t *testing.T) {
	seen := recorded(
		`["uncollected", "tests/test_broken.py"]`,
		`["start", "tests/test_a.py::test_one"]`,
		`["report", "tests/test_a.py::test_one", "setup", "passed"]`,
		`["report", "tests/test_a.py::test_one", "call", "passed"]`,
		`["report", "tests/test_a.py::test_one", "teardown", "passed"]`,
		`["finish", "tests/test_a.py::test_one"]`,
		`["start", "tests/test_a.py::TestX::test_two[a::b-/c]"]`,
		`["report", "tests/test_a.py::TestX::test_two[a::b-/c]", "setup", "passed"]`,
	)
	all := reports{tally: newTally()}
	all.addProgress(seen, 1<<20)
	want := map[string]status{
		"tests/test_broken.py":                      uncollected,
		"tests/test_a.py::test_one":                 passed,
		"tests/test_a.py::TestX::test_two[a::b-/c]": failed,
	}
	if got := all.tally.statuses(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if !all.aborted || !slices.Equal(all.running, []string{"tests/test_a.py::TestX::test_two[a::b-/c]"}) {
		t.Errorf("got %v, %v", all.aborted, all.running)
	}
}

func TestEachOutcomeKeepsItsStatus(t *testing.T) {
	seen := recorded(
		`["report", "t.py::test_setup", "setup", "failed"]`,
		`["report", "t.py::test_fails", "call", "failed"]`,
		`["report", "t.py::test_fails", "teardown", "passed"]`,
		`["report", "t.py::test_skips", "setup", "skipped"]`,
		`["report", "t.py::test_xfails", "call", "xfailed"]`,
	)
	all := reports{tally: newTally()}
	all.addProgress(seen, 1<<20)
	want := map[string]status{
		"t.py::test_setup": errored, "t.py::test_fails": failed, "t.py::test_skips": skipped, "t.py::test_xfails": xfailed,
	}
	if got := all.tally.statuses(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestASessionThatCameToItsEndIsNoReport(t *testing.T) {
	seen := recorded(`["start", "t.py::test_a"]`, `["finish", "t.py::test_a"]`, `["end"]`)
	all := reports{tally: newTally()}
	if all.addProgress(seen, 1<<20); all.aborted || len(all.printed) > 0 {
		t.Errorf("got %v", all)
	}
}

func TestAnInterruptedTestIsAddedToTheReportThatLacksIt(t *testing.T) {
	seen := recorded(
		`["start", "t.py::test_a"]`, `["report", "t.py::test_a", "call", "passed"]`, `["finish", "t.py::test_a"]`,
		`["start", "t.py::test_b"]`, `["interrupt"]`, `["end"]`,
	)
	all := reports{tally: newTally()}
	all.read("junit.xml", strings.NewReader(`<testsuite name="pytest"><testcase classname="t" name="test_a"/></testsuite>`))
	all.addProgress(seen, 1<<20)
	want := map[string]status{"t.py::test_a": passed, "t.py::test_b": failed}
	if got := all.tally.statuses(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if !slices.Equal(all.running, []string{"t.py::test_b"}) {
		t.Errorf("got %v", all.running)
	}
}

func TestALineThatIsCutOffEndsTheEvents(t *testing.T) {
	seen := readEvents(strings.NewReader("[\"start\", \"t.py::test_a\"]\n[\"fini"))
	if !slices.Equal(seen.running, []string{"t.py::test_a"}) {
		t.Errorf("got %v", seen)
	}
}

func TestThePluginComesFirstInTheEnvironment(t *testing.T) {
	p := &progress{folder: "/.swefoundry/progress-1", seed: 7}
	got := p.environment([]string{"PYTHONPATH=src", "PYTEST_PLUGINS=", "HOME=/root"})
	want := []string{
		"PYTHONPATH=/.swefoundry/progress-1:src", "PYTEST_PLUGINS=swefoundry_progress", "HOME=/root",
		"SWEFOUNDRY_PROGRESS=/.swefoundry/progress-1/events", "SWEFOUNDRY_SHUFFLE=7",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	var none *progress
	if !slices.Equal(none.environment([]string{"A=b"}), []string{"A=b"}) {
		t.Error("no progress changes nothing")
	}
}

func TestAPythonThatIgnoresItsVariablesIsNotAskedToRecord(t *testing.T) {
	for command, want := range map[string]bool{
		"python -I -m pytest": true, "python3.11 -bE -m pytest": true, "python -m pytest -rfE": false, "pytest -E x": false,
	} {
		if got := isolated.MatchString(command); got != want {
			t.Errorf("%s: %v", command, got)
		}
	}
}
