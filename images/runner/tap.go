package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Read the tests of a TAP stream. swefoundry.grading.tap reads the same: the leaves of subtests count, under the names of
// their parents; a parent counts only when it failed and none of its leaves did. A failed point without a parent or children
// that is named like a script is a file that ended before its first test.

// maxSubtestDepth is the deepest level that is kept apart.
const maxSubtestDepth = 32

// Ids of what is missing in a stream. No test is named like this, and neither is ever in an exported list.
const (
	missingTests = "(planned tests that did not run)"
	bailedOut    = "(bailed out)"
)

var (
	testPoint   = regexp.MustCompile(`^(not )?ok\b(?:[ \t]+([0-9]+)\b)?(?:[ \t]*-(?:[ \t]+|$))?[ \t]*(.*)$`)
	testPlan    = regexp.MustCompile(`^1\.\.([0-9]{1,9})[ \t]*(?:#.*)?$`)
	tapVersion  = regexp.MustCompile(`^(?i:TAP version )[0-9]+$`)
	tapTime     = regexp.MustCompile(`(^|[^\\])#[ \t]*time=[^ \t]*`)
	tapEscape   = regexp.MustCompile(`\\([\\#])`)
	scriptName  = regexp.MustCompile(`^[^ \t]+\.[cm]?[jt]sx?$`)
	tapBail     = regexp.MustCompile(`^(?i:Bail out!)`)
	errPlanless = fmt.Errorf("no plan: the stream may have been cut off")
)

type namedStatus struct {
	id  testID
	how status
}

// subtestLevel holds the points of one level whose parent has not come yet.
type subtestLevel struct {
	results []namedStatus
	points  int
	planned int // -1 without a plan
}

type tapReader struct {
	levels  []*subtestLevel
	yaml    string
	inYAML  bool
	known   bool // a version or a plan was seen: it is TAP
	bailed  bool
	missing bool
	planned bool
}

func readTAP(from *bufio.Reader, into *tally) error {
	reader := &tapReader{levels: []*subtestLevel{{planned: -1}}}
	for {
		line, err := from.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		reader.line(strings.TrimRight(strings.TrimSuffix(line, "\n"), "\r"))
		if err == io.EOF {
			break
		}
	}
	if !reader.known {
		return errUnknownKind
	}
	for _, one := range reader.results() {
		if err := into.add(one.id, one.how); err != nil {
			return err
		}
	}
	if !reader.planned {
		return errPlanless
	}
	return nil
}

func (r *tapReader) line(raw string) {
	text := strings.TrimLeft(raw, " \t")
	indent := strings.ReplaceAll(raw[:len(raw)-len(text)], "\t", "    ")
	end := strings.TrimRight(raw, " \t\r")
	r.known = r.known || tapVersion.MatchString(end) || testPlan.MatchString(end)
	if r.passesYAML(text, indent) {
		return
	}
	level := min(len(indent)/4, maxSubtestDepth)
	if point := testPoint.FindStringSubmatch(text); point != nil {
		r.point(point, level)
	} else if plan := testPlan.FindStringSubmatch(text); plan != nil {
		r.open(level)
		r.levels[level].planned, _ = strconv.Atoi(plan[1])
		r.planned = r.planned || level == 0
	} else if tapBail.MatchString(text) {
		r.bailed = true
	}
}

// passesYAML keeps the lines of a YAML block from being read as results.
func (r *tapReader) passesYAML(text, indent string) bool {
	end := strings.TrimRight(text, " \t\r")
	if r.inYAML {
		r.inYAML = end != "..." || indent != r.yaml
		return true
	}
	if end == "---" && indent != "" {
		r.yaml, r.inYAML = indent, true
	}
	return r.inYAML
}

func (r *tapReader) point(point []string, level int) {
	r.open(level)
	r.closeDownTo(level + 1)
	var children []namedStatus
	if len(r.levels) > level+1 {
		children = r.levels[level+1].results
		r.levels = r.levels[:level+1]
	}
	block := r.levels[level]
	block.points++
	parent := pointStatus(point, block.points)
	leafFailed := false
	for _, leaf := range children {
		leafFailed = leafFailed || leaf.how >= failed
		block.results = append(block.results, namedStatus{below(parent.id, leaf.id), leaf.how})
	}
	if len(children) == 0 && level == 0 && parent.how == failed && scriptName.MatchString(parent.id.raw) {
		parent.how = uncollected
	}
	if len(children) == 0 || parent.how >= failed && !leafFailed {
		block.results = append(block.results, parent)
	}
}

func below(parent, leaf testID) testID {
	return testID{cut(parent.raw + " > " + leaf.raw), cut(parent.stable + " > " + leaf.stable)}
}

func (r *tapReader) open(level int) {
	for len(r.levels) <= level {
		r.levels = append(r.levels, &subtestLevel{planned: -1})
	}
}

// closeDownTo moves up points that are deeper than the next parent and whose own parents never came.
func (r *tapReader) closeDownTo(level int) {
	for len(r.levels) > level+1 {
		last := len(r.levels) - 1
		orphans := r.levels[last]
		r.levels = r.levels[:last]
		r.check(orphans)
		r.levels[last-1].results = append(r.levels[last-1].results, orphans.results...)
	}
	if len(r.levels) == level+1 {
		r.check(r.levels[level])
	}
}

func (r *tapReader) check(block *subtestLevel) {
	r.missing = r.missing || block.planned > block.points
}

func (r *tapReader) results() []namedStatus {
	r.closeDownTo(0)
	found := r.levels[0].results
	if r.missing {
		found = append(found, namedStatus{plainID(missingTests), errored})
	}
	if r.bailed {
		found = append(found, namedStatus{plainID(bailedOut), errored})
	}
	return found
}

func pointStatus(point []string, position int) namedStatus {
	text := tapTime.ReplaceAllString(point[3], "$1")
	text, directive := withoutDirective(text)
	id := plainID(tapEscape.ReplaceAllString(text, "$1"))
	id.stable = withoutDuration(id.stable)
	if id.stable == "" {
		number := point[2]
		if number == "" {
			number = strconv.Itoa(position)
		}
		id = testID{number, number}
	}
	switch {
	case directive == "skip":
		return namedStatus{id, skipped}
	case point[1] == "":
		return namedStatus{id, passed}
	case directive == "todo":
		return namedStatus{id, xfailed}
	default:
		return namedStatus{id, failed}
	}
}

// withoutDirective takes off what follows the last #, when that is not escaped and begins with skip or todo.
func withoutDirective(text string) (rest, directive string) {
	at := strings.LastIndexByte(text, '#')
	if at < 0 {
		return text, ""
	}
	rest = text[:at]
	escapes := len(rest) - len(strings.TrimRight(rest, `\`))
	word := strings.ToLower(strings.TrimLeft(text[at+1:], " \t"))
	for _, directive := range []string{"skip", "todo"} {
		if escapes%2 == 0 && strings.HasPrefix(word, directive) {
			return rest, directive
		}
	}
	return text, ""
}
