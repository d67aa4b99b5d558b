package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// Count the test cases of a JUnit XML file by how they ended.
//
// Only elements are counted, so the reader below keeps element names and nothing else: attributes and
// text are passed over byte by byte, entities are never looked at and a document type is refused.
// Memory is bounded by depth and name length whatever the file holds.

const (
	maxDepth = 64
	maxName  = 256
)

var (
	errNotXML      = errors.New("malformed XML")
	errCutOff      = errors.New("the XML ends too early")
	errDoctype     = errors.New("document types are refused")
	errTooDeep     = errors.New("elements are nested too deeply")
	errNotJUnit    = errors.New("not JUnit XML")
	errUnknownKind = errors.New("neither JUnit XML nor TAP")
)

func countJUnit(from *bufio.Reader) (Tests, error) {
	elements := &elementReader{from: from}
	var counter junitCounter
	for {
		name, opens, err := elements.next()
		if err == io.EOF {
			return counter.tests, nil
		}
		if err != nil {
			return Tests{}, err
		}
		if opens && len(elements.open) == 1 && name != "testsuites" && name != "testsuite" {
			return Tests{}, errNotJUnit
		}
		counter.see(name, opens, len(elements.open))
	}
}

type junitCounter struct {
	tests                   Tests
	caseDepth               int // 0 outside a test case
	failed, errored, passed bool
	skipped                 bool
}

// see gets the depth with an opened element included and a closed one excluded.
func (c *junitCounter) see(name string, opens bool, depth int) {
	switch {
	case c.caseDepth == 0 && opens && name == "testcase":
		*c = junitCounter{tests: c.tests, caseDepth: depth}
	case c.caseDepth > 0 && opens && depth == c.caseDepth+1:
		c.failed = c.failed || name == "failure"
		c.errored = c.errored || name == "error"
		c.skipped = c.skipped || name == "skipped"
	case c.caseDepth > 0 && !opens && depth == c.caseDepth-1:
		c.tests = c.tests.plus(c.outcome())
		c.caseDepth = 0
	}
}

func (c *junitCounter) outcome() Tests {
	switch {
	case c.errored:
		return Tests{Total: 1, Errors: 1}
	case c.failed:
		return Tests{Total: 1, Failed: 1}
	case c.skipped:
		return Tests{Total: 1, Skipped: 1}
	default:
		return Tests{Total: 1, Passed: 1}
	}
}

// elementReader yields the opening and closing of elements.
type elementReader struct {
	from    *bufio.Reader
	open    []string
	pending string // the name of an empty element, whose closing comes next
	rooted  bool
}

func (e *elementReader) next() (name string, opens bool, err error) {
	if e.pending != "" {
		name, e.pending = e.pending, ""
		e.open = e.open[:len(e.open)-1]
		return local(name), false, nil
	}
	for {
		if err := e.passText(); err != nil {
			return "", false, err
		}
		first, err := e.from.ReadByte()
		if err != nil {
			return "", false, errCutOff
		}
		switch first {
		case '?':
			err = e.passUntil("?>")
		case '!':
			err = e.passDeclaration()
		case '/':
			name, err = e.closing()
			return local(name), false, err
		default:
			_ = e.from.UnreadByte()
			name, err = e.opening()
			return local(name), true, err
		}
		if err != nil {
			return "", false, err
		}
	}
}

// passText passes over everything up to and including "<". The end is an end only outside the root.
func (e *elementReader) passText() error {
	for {
		c, err := e.from.ReadByte()
		switch {
		case err == io.EOF && e.rooted && len(e.open) == 0:
			return io.EOF
		case err != nil:
			return errCutOff
		case c == '<':
			return nil
		case len(e.open) == 0 && !isSpace(c) && strings.IndexByte("\xef\xbb\xbf", c) < 0:
			return errNotXML
		}
	}
}

func (e *elementReader) passDeclaration() error {
	start, _ := e.from.Peek(7)
	switch {
	case bytes.HasPrefix(start, []byte("--")):
		_, _ = e.from.Discard(2)
		return e.passUntil("-->")
	case bytes.Equal(start, []byte("[CDATA[")) && len(e.open) > 0:
		_, _ = e.from.Discard(7)
		return e.passUntil("]]>")
	default:
		return errDoctype
	}
}

func (e *elementReader) passUntil(end string) error {
	var last []byte
	for {
		c, err := e.from.ReadByte()
		if err != nil {
			return errCutOff
		}
		if last = append(last, c); len(last) > len(end) {
			last = append(last[:0], last[1:]...)
		}
		if string(last) == end {
			return nil
		}
	}
}

func (e *elementReader) opening() (string, error) {
	name, err := e.name()
	if err != nil {
		return "", err
	}
	if e.rooted && len(e.open) == 0 {
		return "", errNotXML // a second root
	}
	if len(e.open) == maxDepth {
		return "", errTooDeep
	}
	empty, err := e.passAttributes()
	e.rooted = true
	e.open = append(e.open, name)
	if empty {
		e.pending = name
	}
	return name, err
}

func (e *elementReader) closing() (string, error) {
	name, err := e.name()
	if err != nil {
		return "", err
	}
	empty, err := e.passAttributes()
	if err != nil {
		return "", err
	}
	top := len(e.open) - 1
	if empty || top < 0 || e.open[top] != name {
		return "", errNotXML
	}
	e.open = e.open[:top]
	return name, nil
}

func (e *elementReader) name() (string, error) {
	var name []byte
	for {
		c, err := e.from.ReadByte()
		switch {
		case err != nil:
			return "", errCutOff
		case isSpace(c) || c == '/' || c == '>':
			_ = e.from.UnreadByte()
			if len(name) == 0 {
				return "", errNotXML
			}
			return string(name), nil
		case len(name) == maxName || strings.IndexByte("<&\"'=", c) >= 0:
			return "", errNotXML
		}
		name = append(name, c)
	}
}

// passAttributes passes over the rest of a tag and says whether it ended in "/>".
func (e *elementReader) passAttributes() (empty bool, err error) {
	var quote byte
	for {
		c, err := e.from.ReadByte()
		switch {
		case err != nil:
			return false, errCutOff
		case c == '<', empty && c != '>':
			return false, errNotXML
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return empty, nil
		case c == '/':
			empty = true
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// local drops a namespace prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }
