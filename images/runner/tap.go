package main

import (
	"bufio"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Count the tests of a TAP stream by how they ended. Only the top level counts: a subtest is summed up by
// the line of its parent.

const (
	maxTAPLine = 4096       // what is looked at of one line
	maxPlan    = 10_000_000 // a larger plan is a lie
)

var (
	planLine = regexp.MustCompile(`^1\.\.([0-9]{1,9})\s*(#.*)?$`)
	testLine = regexp.MustCompile(`^(not )?ok\b`)
)

type tapCounter struct {
	tests   Tests
	known   bool // a version or a plan was seen: it is TAP
	plan    int
	bailed  bool
	started bool
}

func countTAP(from *bufio.Reader) (Tests, error) {
	var counter tapCounter
	for {
		line, err := readLine(from)
		if line != "" {
			counter.see(line)
		}
		if err == io.EOF {
			return counter.result()
		}
		if err != nil {
			return Tests{}, err
		}
	}
}

// readLine returns the start of the next line and passes over the rest of a long one.
func readLine(from *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, more, err := from.ReadLine()
		if room := maxTAPLine - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if err != nil || !more {
			return string(line), err
		}
	}
}

func (t *tapCounter) see(line string) {
	line = strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), " \t\r")
	if plan := planLine.FindStringSubmatch(line); plan != nil {
		t.known = true
		t.plan, _ = strconv.Atoi(plan[1])
		return
	}
	switch {
	case strings.HasPrefix(line, "TAP version "):
		t.known = true
	case strings.HasPrefix(line, "Bail out!"):
		t.bailed = true
	case testLine.MatchString(line):
		t.tests = t.tests.plus(tapOutcome(line))
	}
}

func tapOutcome(line string) Tests {
	directive := tapDirective(line)
	switch {
	case strings.HasPrefix(directive, "skip"):
		return Tests{Total: 1, Skipped: 1}
	case strings.HasPrefix(line, "ok"):
		return Tests{Total: 1, Passed: 1}
	case strings.HasPrefix(directive, "todo"):
		return Tests{Total: 1, Skipped: 1} // expected to fail: not a failure
	default:
		return Tests{Total: 1, Failed: 1}
	}
}

// tapDirective is what follows the last # that is not escaped, in lower case.
func tapDirective(line string) string {
	for i := len(line) - 1; i > 0; i-- {
		if line[i] == '#' && line[i-1] != '\\' {
			return strings.ToLower(strings.TrimSpace(line[i+1:]))
		}
	}
	return ""
}

// result counts planned tests that never came as errors, and so a bail-out that left none missing.
func (t *tapCounter) result() (Tests, error) {
	if !t.known || t.plan > maxPlan {
		return Tests{}, errUnknownKind
	}
	missing := max(0, t.plan-t.tests.Total)
	if t.bailed {
		missing = max(1, missing)
	}
	return t.tests.plus(Tests{Total: missing, Errors: missing}), nil
}
