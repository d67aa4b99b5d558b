package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
)

// Read the events of `go test -json`. swefoundry.grading.gotest reads the same, and says why.

var (
	errUnended = errors.New("a package has no end: the stream may have been cut off")
	// unbuilt is what Go before 1.20 prints, outside of the events, for a package that it could not build.
	unbuilt = regexp.MustCompile(`^FAIL\t([^\t ]+) \[(?:build|setup) failed\]$`)
)

// packageEvents are the events of one package.
type packageEvents struct {
	tests  map[string]status // a test that has no end counts as failed
	ended  map[string]bool   // tests that have an end
	closed bool              // the package has an end
	failed bool
}

// goEvents are the events of a stream.
type goEvents struct {
	packages map[string]*packageEvents
	known    bool // an event was seen: it is a stream of go test
}

func readGoTest(from *bufio.Reader, into *tally) error {
	stream := &goEvents{packages: map[string]*packageEvents{}}
	for {
		line, err := from.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		stream.line(bytes.Trim(line, " \t\r\n"))
		if err == io.EOF {
			break
		}
	}
	if !stream.known {
		return errUnknownKind
	}
	return stream.addTo(into)
}

func (g *goEvents) line(line []byte) {
	if found := unbuilt.FindSubmatch(line); found != nil {
		g.known = true
		one := g.of(string(found[1]))
		one.closed, one.failed = true, true
		return
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return
	}
	action, name, test := text(fields["Action"]), text(fields["Package"]), text(fields["Test"])
	g.known = g.known || action != "" && (name != "" || text(fields["ImportPath"]) != "")
	if name != "" {
		g.of(name).see(action, test)
	}
}

// text is a string field; nothing for any other.
func text(field json.RawMessage) string {
	var value string
	if json.Unmarshal(field, &value) != nil {
		return ""
	}
	return value
}

func (g *goEvents) of(name string) *packageEvents {
	if g.packages[name] == nil {
		g.packages[name] = &packageEvents{tests: map[string]status{}, ended: map[string]bool{}}
	}
	return g.packages[name]
}

func (p *packageEvents) see(action, test string) {
	how, ends := map[string]status{"pass": passed, "skip": skipped, "fail": failed}[action]
	switch {
	case test == "" && ends:
		p.closed, p.failed = true, p.failed || how == failed
	case test != "" && action == "run" && !p.ended[test]:
		p.tests[test] = failed
	case test != "" && ends && p.ended[test]:
		p.tests[test] = max(p.tests[test], how)
	case test != "" && ends:
		p.tests[test], p.ended[test] = how, true
	}
}

func (g *goEvents) addTo(into *tally) error {
	complete := true
	for name, events := range g.packages {
		complete = complete && events.closed
		if err := events.addTo(into, name); err != nil {
			return err
		}
	}
	if !complete {
		return errUnended
	}
	return nil
}

func (p *packageEvents) addTo(into *tally, name string) error {
	var all []status
	for test, how := range p.tests {
		all = append(all, how)
		if err := into.add(caseID(name, test, "", false), how); err != nil {
			return err
		}
	}
	switch {
	case p.failed && len(all) == 0:
		return into.add(plainID(name), uncollected)
	case p.failed && !slices.Contains(all, failed):
		return into.add(plainID(name), errored)
	}
	return nil
}
