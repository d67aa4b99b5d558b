package main

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Read the output of `cargo test`. swefoundry.grading.cargotest reads the same, and says why.

var (
	errMixed        = errors.New("other results than the last line of a target counts; output got between them")
	namedBeforehand = regexp.MustCompile(`^ {3,}Running ([^ ()]+\.rs)$`)
	namedByCargo    = regexp.MustCompile(
		`^ {3,}(?:Running (?:unittests )?(?:([^ ()]+\.rs) )?\(?[^ ()]*deps/([^ ()]+)-[0-9a-f]{16}\)?|Doc-tests ([^ ()]+))$`)
	testsStart = regexp.MustCompile(`^running [0-9]+ tests?$`)
	testLine   = regexp.MustCompile(`^test ([^ ].*?)(?: - should panic| - compile(?: fail)?)? \.\.\. (.*)$`)
	testEnd    = regexp.MustCompile(`^(ok|FAILED|ignored|bench:)(?:,? .*)?$`)
	testsEnd   = regexp.MustCompile(
		`^test result: (?:ok|FAILED)\. ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored;.*$`)
)

// targetOutput is the output of one target.
type targetOutput struct {
	name       string
	beforehand bool // not named by cargo yet
	tests      map[string]status
	counts     [failed + 1]int // results since the tests started
	running    string          // the test that was started alone and has no end yet
	started    bool
	ended      bool
	mixed      bool
}

func readCargoTest(from *bufio.Reader, into *tally) error {
	var targets []*targetOutput
	for {
		line, err := from.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		targets = readCargoLine(strings.TrimRight(strings.TrimSuffix(line, "\n"), "\r"), targets)
		if err == io.EOF {
			break
		}
	}
	if len(targets) == 0 {
		return errUnknownKind
	}
	mixed := false
	for _, one := range targets {
		mixed = mixed || one.mixed
		if err := one.addTo(into); err != nil {
			return err
		}
	}
	if mixed {
		return errMixed
	}
	return nil
}

func readCargoLine(line string, targets []*targetOutput) []*targetOutput {
	var last *targetOutput
	if len(targets) > 0 {
		last = targets[len(targets)-1]
	}
	next := func(name string) {
		last = &targetOutput{name: name, tests: map[string]status{}}
		targets = append(targets, last)
	}
	if found := namedBeforehand.FindStringSubmatch(line); found != nil {
		next(found[1])
		last.beforehand = true
	} else if found := namedByCargo.FindStringSubmatch(line); found != nil {
		if last != nil && last.beforehand && !last.started {
			last.beforehand = false
		} else if found[1] != "" {
			next(found[1])
		} else {
			next(found[2] + found[3])
		}
	} else if testsStart.MatchString(line) && (last == nil || last.name == "") {
		next("") // standard output alone has no names of targets
	}
	if last != nil {
		last.see(line)
	}
	return targets
}

func (t *targetOutput) see(line string) {
	if testsStart.MatchString(line) {
		t.mixed = t.mixed || t.started && !t.ended
		t.started, t.ended = true, false
		t.counts = [failed + 1]int{}
	} else if end := testsEnd.FindStringSubmatch(line); end != nil {
		t.ended, t.running = true, ""
		for at, how := range []status{passed, failed, skipped} {
			number, _ := strconv.Atoi(end[at+1])
			t.mixed = t.mixed || number != t.counts[how]
		}
	} else if t.started && !t.ended {
		t.seeTest(line)
	}
}

func (t *targetOutput) seeTest(line string) {
	if test := testLine.FindStringSubmatch(line); test != nil {
		t.running, line = test[1], test[2]
	}
	end := testEnd.FindStringSubmatch(line)
	if t.running == "" || end == nil {
		return
	}
	how := map[string]status{"FAILED": failed, "ignored": skipped}[end[1]]
	t.counts[how]++
	t.tests[t.running] = max(t.tests[t.running], how)
	t.running = ""
}

func (t *targetOutput) addTo(into *tally) error {
	if t.running != "" {
		t.tests[t.running] = failed
	}
	for test, how := range t.tests {
		if err := into.add(caseID(t.name, test, "", false), how); err != nil {
			return err
		}
	}
	if t.ended {
		return nil
	}
	name, how := t.name, errored
	if name == "" {
		name = "cargo test"
	}
	if len(t.tests) == 0 {
		how = uncollected
	}
	return into.add(plainID(name), how)
}
