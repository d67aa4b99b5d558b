package main

import (
	"errors"
	"strings"
	"testing"
)

func counts(total, passed, failed, errors, skipped int) Tests {
	return Tests{Total: total, Passed: passed, Failed: failed, Errors: errors, Skipped: skipped}
}

// counted reads a report from its text.
func counted(text string) (Tests, error) {
	all := newTally()
	err := readReport(strings.NewReader(text), all)
	return countTests(all.statuses(), nil), err
}

func TestJUnitIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Tests
	}{
		"pytest": {`<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">` +
			`<testcase classname="a" name="p" time="0.1" /><testcase classname="a" name="f"><failure message="assert 1 == &#10; 2">E &lt; </failure></testcase>` +
			`<testcase name="e"><error message="no">x</error></testcase><testcase name="s"><skipped type="pytest.skip" message="later"/></testcase></testsuite></testsuites>`,
			counts(4, 1, 1, 1, 1)},
		"a bare suite":                       {"<testsuite><testcase/></testsuite>", counts(1, 1, 0, 0, 0)},
		"nested suites":                      {"<testsuites><testsuite><testsuite><testcase/><testcase name=\"b\"></testcase></testsuite></testsuite></testsuites>", counts(2, 2, 0, 0, 0)},
		"no tests":                           {"<testsuites/>", Tests{}},
		"an error beats a failure":           {"<testsuite><testcase><failure/><error/></testcase></testsuite>", counts(1, 0, 0, 1, 0)},
		"a failure beats a skip":             {"<testsuite><testcase><skipped/><failure/></testcase></testsuite>", counts(1, 0, 1, 0, 0)},
		"a flaky failure is a pass":          {"<testsuite><testcase><flakyFailure/></testcase></testsuite>", counts(1, 1, 0, 0, 0)},
		"only direct children count":         {"<testsuite><testcase><properties><failure/></properties></testcase></testsuite>", counts(1, 1, 0, 0, 0)},
		"a test case in a test case is none": {"<testsuite><testcase><testcase/></testcase></testsuite>", counts(1, 1, 0, 0, 0)},
		"text that looks like elements":      {"<testsuite><testcase><system-out><![CDATA[<testcase/></testsuite>]]]></system-out></testcase><!-- <testcase/> --></testsuite>", counts(1, 1, 0, 0, 0)},
		"attributes that look like the end":  {`<testsuite><testcase name="a > b / '"/><testcase name='"/>'/></testsuite>`, counts(2, 2, 0, 0, 0)},
		"a byte order mark and a newline":    {"\xef\xbb\xbf\n<testsuite>\n<testcase/>\n</testsuite>\n", counts(1, 1, 0, 0, 0)},
		"a namespace":                        {`<j:testsuite xmlns:j="urn:x"><j:testcase><j:failure/></j:testcase></j:testsuite>`, counts(1, 0, 1, 0, 0)},
		"another encoding":                   {"<?xml version='1.0' encoding='iso-8859-1'?><testsuite><testcase name='\xe9'/></testsuite>", counts(1, 1, 0, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := counted(c.text)
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestJUnitIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"another root":                       {"<html><testcase/></html>", errNotJUnit},
		"an entity nobody knows":             {"<testsuite><testcase>&bomb;</testcase></testsuite>", errNotXML},
		"one attribute twice":                {"<testsuite name='a' name='b'/>", errNotXML},
		"attributes without a space between": {"<testsuite a='1'b='2'/>", errNotXML},
		"an end of character data in text":   {"<testsuite>]]></testsuite>", errNotXML},
		"two hyphens in a comment":           {"<testsuite><!-- a -- b --></testsuite>", errNotXML},
		"a second declaration":               {"<testsuite><?xml version='1.0'?></testsuite>", errNotXML},
		"a document type":                    {`<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite/>`, errDoctype},
		"an entity declaration":              {`<testsuite><!ENTITY a "aaaa"></testsuite>`, errDoctype},
		"a file cut short":                   {"<testsuite><testcase/>", errCutOff},
		"a comment cut short":                {"<testsuite><!-- ", errCutOff},
		"a tag cut short":                    {`<testsuite name="`, errCutOff},
		"an empty file":                      {"", errEmpty},
		"a wrong end tag":                    {"<testsuite><testcase></testsuite></testcase>", errNotXML},
		"two roots":                          {"<testsuite/><testsuite/>", errNotXML},
		"text around the root":               {"<testsuite/>x", errNotXML},
		"a tag within a tag":                 {"<testsuite <testcase/>>", errNotXML},
		"a nameless element":                 {"< testsuite/>", errNotXML},
		"a very long name":                   {"<" + strings.Repeat("a", 10_000) + "/>", errNotXML},
		"very deep nesting":                  {strings.Repeat("<testsuite>", 1000), errTooDeep},
		"an end without a start":             {"</testsuite>", errNotXML},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := counted(c.text); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzReading(f *testing.F) {
	f.Add("<testsuite><testcase><failure/></testcase></testsuite>")
	f.Add("TAP version 13\n1..2\nok 1\nnot ok 2 # TODO\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := counted(text)
		if sum := got.Passed + got.Failed + got.Errors + got.Skipped; err == nil && sum != got.Total {
			t.Errorf("%+v does not add up", got)
		}
	})
}
