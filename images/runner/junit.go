package main

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
)

// Read the test cases of a JUnit XML file. swefoundry.grading.junit reads the same.

var errNotJUnit = errors.New("not JUnit XML")

// pytestSuite is what pytest writes about a suite, in this order; Python below 3.8 sorted it.
var pytestSuite = []string{"name", "errors", "failures", "skipped", "tests", "time", "timestamp", "hostname"}

// uncollectedClasses are what runners name a module that they could not import.
var uncollectedClasses = []string{
	"unittest.loader._FailedTest", "unittest.loader.ModuleImportFailure", "nose2.loader.ModuleImportFailure",
	"nose.failure.Failure", "Test suite failed to run", internalError,
}

// internalError is the class of the entry that pytest writes about its own crash.
const internalError = "pytest"

func readJUnit(from *bufio.Reader, into *tally) error {
	elements, err := newXMLReader(sanitised(from))
	if err != nil {
		return err
	}
	cases := caseReader{add: into.add}
	for {
		one, err := elements.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if one.opens && len(elements.open) == 1 && !isSuite(one.name) {
			return errNotJUnit
		}
		if elements.typed {
			return errDoctype
		}
		if err := cases.see(one, len(elements.open)); err != nil {
			return err
		}
	}
}

func isSuite(name string) bool { return name == "testsuites" || name == "testsuite" }

// caseReader gathers what a test case is made of. A test case within another one is none.
type caseReader struct {
	add      func(testID, status) error
	suites   []element
	one      element // the open test case
	depth    int     // its depth; 0 outside a test case
	children []element
}

// see gets the depth with an opened element included and a closed one excluded.
func (c *caseReader) see(e element, depth int) error {
	switch {
	case c.depth == 0 && e.opens && isSuite(e.name):
		c.suites = append(c.suites, e)
	case c.depth == 0 && !e.opens && isSuite(e.name):
		c.suites = c.suites[:len(c.suites)-1]
	case c.depth == 0 && e.opens && e.name == "testcase":
		c.one, c.depth, c.children = e, depth, nil
	case c.depth > 0 && e.opens && depth == c.depth+1:
		c.children = append(c.children, e)
	case c.depth > 0 && !e.opens && depth == c.depth-1:
		c.depth = 0
		if c.isUnfinished() {
			return nil
		}
		return c.add(c.id(), c.status())
	}
	return nil
}

func (c *caseReader) id() testID {
	suite := c.suites[len(c.suites)-1]
	class, name, file := c.one.attribute("classname"), c.one.attribute("name"), c.one.attribute("file")
	if file == "" {
		file = suite.attribute("file")
	}
	if class == "" && slices.ContainsFunc(c.children, isCollectionOutcome) {
		return moduleID(name, file)
	}
	return caseID(class, name, file, c.isPytest(suite, class))
}

// isPytest knows pytest's reports by what it always writes, because junit_suite_name changes the suite's name.
func (c *caseReader) isPytest(suite element, class string) bool {
	if class == "" || class == internalError {
		return false
	}
	if c.suites[0].attribute("name") == "pytest tests" || suite.attribute("name") == "pytest" {
		return true
	}
	var names []string
	for _, one := range suite.attributes {
		names = append(names, one.name)
	}
	if slices.Equal(names, pytestSuite) {
		return true
	}
	slices.Sort(names)
	return slices.Equal(names, slices.Sorted(slices.Values(pytestSuite))) &&
		dottedName.MatchString(class) && dottedModule.MatchString(class)
}

// isUnfinished knows what pytest writes about a test that was interrupted: a case with a time and nothing else.
func (c *caseReader) isUnfinished() bool {
	return len(c.children) == 0 && len(c.one.attributes) == 1 && c.one.attributes[0].name == "time"
}

// isCollectionOutcome knows what pytest writes about a module that it could not collect, or that skipped itself.
func isCollectionOutcome(child element) bool {
	return (child.name == "error" || child.name == "skipped") && strings.HasPrefix(child.attribute("message"), "collection ")
}

// status is the worst that the test case's children say; surefire's flaky and rerun elements do not count.
func (c *caseReader) status() status {
	worst, found := passed, false
	for _, child := range c.children {
		if how, known := c.childStatus(child); known {
			worst, found = max(worst, how), true
		}
	}
	if found {
		return worst
	}
	return max(statusFromWord(c.one.attribute("status")), statusFromWord(c.one.attribute("result")))
}

func (c *caseReader) childStatus(child element) (how status, known bool) {
	switch child.name {
	case "error":
		if isCollectionOutcome(child) || slices.Contains(uncollectedClasses, c.one.attribute("classname")) {
			return uncollected, true
		}
		return errored, true
	case "failure":
		return failed, true
	case "skipped":
		if child.attribute("type") == "pytest.xfail" {
			return xfailed, true
		}
		return skipped, true
	}
	return passed, false
}

// statusFromWord reads the status from an attribute, as some writers have it (googletest: notrun, suppressed).
func statusFromWord(word string) status {
	switch strings.ToLower(word) {
	case "skipped", "disabled", "notrun", "suppressed", "ignored", "pending", "todo":
		return skipped
	case "failed", "fail", "failure":
		return failed
	case "error":
		return errored
	}
	return passed
}
