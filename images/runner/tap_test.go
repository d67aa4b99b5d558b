package main

import (
	"errors"
	"strings"
	"testing"
)

func TestTAPIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Tests
	}{
		"the usual":                      {"TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\n  ---\n  message: no\n  ...\nok 3\n", counts(3, 2, 1, 0, 0)},
		"the plan at the end":            {"ok\nnot ok\n1..2\n", counts(2, 1, 1, 0, 0)},
		"skip and todo":                  {"1..3\nok 1 # SKIP no network\nnot ok 2 # todo later\nok 3 # TODO done\n", counts(3, 1, 0, 0, 2)},
		"an escaped hash is no sign":     {"1..1\nnot ok 1 - issue \\# skip\n", counts(1, 0, 1, 0, 0)},
		"the leaves of subtests count":   {"1..1\n# Subtest: a\n    ok 1 - b\n    not ok 2 - c\n    1..2\nnot ok 1 - a\n", counts(2, 1, 1, 0, 0)},
		"planned tests that never came":  {"1..5\nok 1\nok 2\n", counts(3, 2, 0, 1, 0)},
		"a bail-out":                     {"1..2\nok 1\nBail out! no database\n", counts(3, 1, 0, 2, 0)},
		"a bail-out that misses nothing": {"1..1\nok 1\nBail out!\n", counts(2, 1, 0, 1, 0)},
		"an empty plan":                  {"1..0 # Skipped: nothing to do\n", Tests{}},
		"carriage returns, no last end":  {"1..2\r\nok 1\r\nnot ok 2", counts(2, 1, 1, 0, 0)},
		"a very long line":               {"1..2\nok 1 " + strings.Repeat("x", 1<<20) + "\nok 2\n", counts(2, 2, 0, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := counted(c.text)
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestTAPIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"JSON": `{"tests": 3}`, "prose": "ok, all good\nnot ok\n", "a plan too large to be one": "1..9999999999\n",
	} {
		if _, err := counted(text); !errors.Is(err, errUnknownKind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTAPWithoutAPlanCountsAndIsIncomplete(t *testing.T) {
	if got, err := counted("TAP version 14\nok 1 - a\nnot ok 2 - b\n"); got != counts(2, 1, 1, 0, 0) || err != errPlanless {
		t.Errorf("got %+v, %v", got, err)
	}
}
