package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// What pytest did, recorded as it happened: the only witness of a run that ended in the middle of a test.

//go:embed pytest_progress.py
var pytestPlugin []byte

const (
	progressPlugin   = "swefoundry_progress"
	progressVariable = "SWEFOUNDRY_PROGRESS"
	shuffleVariable  = "SWEFOUNDRY_SHUFFLE"
	progressReport   = ".swefoundry-progress.xml" // its name among the printed reports
	maxProgress      = 64 << 20
	abortedMessage   = "the run ended in the middle of this test"
)

// isolated is a Python that ignores PYTHONPATH: the plugin would be named and not found.
var isolated = regexp.MustCompile(`python[0-9.]*\s+(-\S+\s+)*-[a-zA-Z]*[IE]`)

// progress is a folder beside the runner with the plugin and the file that it writes.
type progress struct {
	folder string
	seed   uint32 // of the order of the tests; 0: as they are collected
}

// newProgress returns nil where there is nothing to record, or no place for it: the run goes on without.
func newProgress(spec Spec) *progress {
	if len(spec.Reports) == 0 || isolated.MatchString(spec.Command) {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return nil
	}
	folder, err := os.MkdirTemp(filepath.Dir(program), "progress-")
	if err != nil {
		return nil
	}
	p := &progress{folder, spec.ShuffleSeed}
	// The command may run as another user.
	if os.Chmod(folder, 0o755) != nil || p.write(progressPlugin+".py", pytestPlugin, 0o644) != nil ||
		p.write("events", nil, 0o666) != nil {
		return nil
	}
	return p
}

func (p *progress) write(name string, content []byte, mode os.FileMode) error {
	path := filepath.Join(p.folder, name)
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask is
}

// environment adds the plugin to that of the command.
func (p *progress) environment(before []string) []string {
	if p == nil {
		return before
	}
	after := withFirst(before, "PYTHONPATH", p.folder, ":")
	after = withFirst(after, "PYTEST_PLUGINS", progressPlugin, ",")
	after = append(after, progressVariable+"="+filepath.Join(p.folder, "events"))
	if p.seed != 0 {
		after = append(after, fmt.Sprintf("%s=%d", shuffleVariable, p.seed))
	}
	return after
}

func withFirst(environment []string, name, value, separator string) []string {
	after := slices.Clone(environment)
	for at, variable := range after {
		if old, found := strings.CutPrefix(variable, name+"="); found {
			after[at] = strings.TrimSuffix(name+"="+value+separator+old, separator)
			return after
		}
	}
	return append(after, name+"="+value)
}

// events are what a session recorded.
type events struct {
	ended       bool // the session came to its end, whatever its result
	shuffled    bool // the tests ran in the order of the seed
	interrupted bool // by pytest.exit, SIGINT or a KeyboardInterrupt; it writes its report then
	statuses    map[string]status
	running     []string
	uncollected []string
}

func (p *progress) read() events {
	if p == nil {
		return events{}
	}
	file, err := os.Open(filepath.Join(p.folder, "events"))
	if err != nil {
		return events{}
	}
	defer file.Close()
	return readEvents(io.LimitReader(file, maxProgress))
}

// readEvents stops at the first line that is none: the last one may be cut off.
func readEvents(from io.Reader) events {
	seen := events{statuses: map[string]status{}}
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var event []string
		if err != nil || json.Unmarshal(line, &event) != nil || len(event) == 0 {
			return seen
		}
		seen.add(event)
	}
}

func (e *events) add(event []string) {
	kind, fields := event[0], event[1:]
	switch {
	case kind == "end":
		e.ended = true
	case kind == "shuffled":
		e.shuffled = true
	case kind == "interrupt":
		e.interrupted = true
	case kind == "uncollected" && len(fields) == 1:
		e.uncollected = append(e.uncollected, fields[0])
	case kind == "start" && len(fields) == 1:
		e.ended = false
		e.running = append(e.running, fields[0])
	case kind == "finish" && len(fields) == 1:
		e.running = slices.DeleteFunc(e.running, func(id string) bool { return id == fields[0] })
	case kind == "report" && len(fields) == 3:
		e.statuses[fields[0]] = max(e.statuses[fields[0]], reportedStatus(fields[1], fields[2]))
	}
}

func reportedStatus(when, outcome string) status {
	switch {
	case outcome == "failed" && when != "call":
		return errored
	case outcome == "failed":
		return failed
	case outcome == "skipped":
		return skipped
	case outcome == "xfailed":
		return xfailed
	}
	return passed
}

// aborted says whether the session began and did not come to its end.
func (e events) aborted() bool {
	return !e.ended && len(e.running)+len(e.statuses)+len(e.uncollected) > 0
}

// cutShort says whether the session wrote its report without the tests that were running.
func (e events) cutShort() bool { return e.interrupted && len(e.running) > 0 }

// junit is the report that pytest would have written until then; a test that was running failed.
func (e events) junit() []byte {
	suite := junitSuite{Name: "pytest"}
	for _, id := range sortedKeys(e.statuses) {
		if !slices.Contains(e.running, id) {
			suite.Cases = append(suite.Cases, caseOf(id, e.statuses[id]))
		}
	}
	for _, id := range e.running {
		one := caseOf(id, passed)
		one.Failure = &junitResult{Message: abortedMessage}
		suite.Cases = append(suite.Cases, one)
	}
	for _, file := range e.uncollected {
		suite.Cases = append(suite.Cases, junitCase{
			Name: file, File: file, Error: &junitResult{Message: "collection failure"},
		})
	}
	text, err := xml.Marshal(junitSuites{Suites: []junitSuite{suite}})
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return text
}

func sortedKeys(statuses map[string]status) []string {
	var keys []string
	for id := range statuses {
		keys = append(keys, id)
	}
	slices.Sort(keys)
	return keys
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name  string      `xml:"name,attr"`
	Cases []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	File    string       `xml:"file,attr"`
	Skipped *junitResult `xml:"skipped"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
}

type junitResult struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
}

// caseOf takes a node id apart: its file, its classes and its name, which may hold anything in brackets.
func caseOf(id string, how status) junitCase {
	path, rest, _ := strings.Cut(id, "::")
	plain, parameters, _ := strings.Cut(rest, "[")
	if parameters != "" {
		parameters = "[" + parameters
	}
	parts := strings.Split(plain, "::")
	name := parts[len(parts)-1] + parameters
	classes := append([]string{strings.ReplaceAll(strings.TrimSuffix(path, ".py"), "/", ".")}, parts[:len(parts)-1]...)
	one := junitCase{Class: strings.Join(classes, "."), Name: name, File: path}
	switch how {
	case failed:
		one.Failure = &junitResult{}
	case errored:
		one.Error = &junitResult{}
	case skipped:
		one.Skipped = &junitResult{}
	case xfailed:
		one.Skipped = &junitResult{Type: "pytest.xfail"}
	}
	return one
}

// addProgress makes a report of an aborted session where the command left none, and of what its report leaves out.
func (r *reports) addProgress(seen events, packed int) {
	switch {
	case r.parsed > 0 && seen.cutShort():
		seen = events{running: seen.running}
	case r.parsed > 0 || !seen.aborted() && !seen.cutShort():
		return
	}
	text := seen.junit()
	printed := newFrame(progressReport, packed)
	printed.Write(text)
	printed.close()
	if printed.overflowed() {
		r.cannotRead("what ran before the end does not fit into the log")
		return
	}
	r.read(progressReport, strings.NewReader(string(text)))
	r.printed = append(r.printed, printed)
	r.aborted, r.running = true, seen.running
}

// maxRunning is in bytes; a longer id does not fit into the record beside its note.
const maxRunning = 512

// runningTest is the test in which the run ended, empty where none is known.
func (r *reports) runningTest() string {
	if len(r.running) == 0 || len(r.running[0]) > maxRunning {
		return ""
	}
	return r.running[0]
}

// inTheMiddle says in which test the run ended.
func inTheMiddle(end string, running []string) string {
	others := ""
	if len(running) > 1 {
		others = fmt.Sprintf(" (and %d more)", len(running)-1)
	}
	return fmt.Sprintf("%s in the middle of %s%s, which counts as failed", end, running[0], others)
}
