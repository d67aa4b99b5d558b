package main

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func TestCountTAP(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Tests
	}{
		"the usual":                      {"TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\n  ---\n  message: no\n  ...\nok 3\n", Tests{3, 2, 1, 0, 0}},
		"the plan at the end":            {"ok\nnot ok\n1..2\n", Tests{2, 1, 1, 0, 0}},
		"a version and no plan":          {"TAP version 14\nok 1\n", Tests{1, 1, 0, 0, 0}},
		"skip and todo":                  {"1..3\nok 1 # SKIP no network\nnot ok 2 # todo later\nok 3 # TODO done\n", Tests{3, 1, 0, 0, 2}},
		"an escaped hash is no sign":     {"1..1\nnot ok 1 - issue \\# skip\n", Tests{1, 0, 1, 0, 0}},
		"subtests count once":            {"1..1\n# Subtest: a\n    ok 1 - b\n    not ok 2 - c\n    1..2\nnot ok 1 - a\n", Tests{1, 0, 1, 0, 0}},
		"planned tests that never came":  {"1..5\nok 1\nok 2\n", Tests{5, 2, 0, 3, 0}},
		"a bail-out":                     {"1..2\nok 1\nBail out! no database\n", Tests{2, 1, 0, 1, 0}},
		"a bail-out that misses nothing": {"1..1\nok 1\nBail out!\n", Tests{2, 1, 0, 1, 0}},
		"an empty plan":                  {"1..0 # Skipped: nothing to do\n", Tests{}},
		"carriage returns, no last end":  {"1..2\r\nok 1\r\nnot ok 2", Tests{2, 1, 1, 0, 0}},
		"a very long line":               {"1..2\nok 1 " + strings.Repeat("x", 1<<20) + "\nok 2\n", Tests{2, 2, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := countTAP(bufio.NewReader(strings.NewReader(c.text)))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestCountTAPRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"an empty file": "", "JSON": `{"tests": 3}`, "prose": "ok, all good\nnot ok\n", "a huge plan": "1..999999999\n",
	} {
		if _, err := countTAP(bufio.NewReader(strings.NewReader(text))); !errors.Is(err, errUnknownKind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
