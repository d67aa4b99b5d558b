package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func printed(limit int, note string, parts ...string) (string, *output) {
	var to bytes.Buffer
	o := newOutput(bufio.NewWriter(&to), limit)
	for _, part := range parts {
		o.take([]byte(part))
	}
	o.finish(note)
	return to.String(), o
}

func TestOutput(t *testing.T) {
	for name, c := range map[string]struct {
		parts []string
		note  string
		want  string
	}{
		"nothing stays nothing":              {nil, "", ""},
		"short output passes unchanged":      {[]string{"abc\n"}, "", "abc\n"},
		"the last line is ended":             {[]string{"abc"}, "", "abc\n"},
		"exactly the limit passes unchanged": {[]string{"0123456789abcdefghi\n"}, "", "0123456789abcdefghi\n"},
		"it may come in pieces":              {[]string{"01234", "56789abc", "defghi\n"}, "", "0123456789abcdefghi\n"},
		"more than the limit loses the middle": {[]string{strings.Repeat("a", 10), strings.Repeat("b", 7), "0123456789"}, "",
			"aaaaaaaaaa\n[swefoundry: 7 bytes of output left out here]\n0123456789\n"},
		"one large piece loses the middle too": {[]string{strings.Repeat("a", 10) + strings.Repeat("b", 999) + "0123456789"}, "",
			"aaaaaaaaaa\n[swefoundry: 999 bytes of output left out here]\n0123456789\n"},
		"the tail wraps": {[]string{"aaaaaaaaaa", "bbbb", "cccc", "dddd", "eeee"}, "",
			"aaaaaaaaaa\n[swefoundry: 6 bytes of output left out here]\nccddddeeee\n"},
		"a note is the last line": {[]string{"abc"}, "time limit of 3s reached", "abc\n[swefoundry: time limit of 3s reached]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, o := printed(20, c.note, c.parts...)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			all := strings.Join(c.parts, "")
			sum := sha256.Sum256([]byte(all))
			size, digest, truncated := o.summary()
			if size != int64(len(all)) || digest != hex.EncodeToString(sum[:]) || truncated != (len(all) > 20) {
				t.Errorf("summary %d %s %v", size, digest, truncated)
			}
		})
	}
}

func TestOutputOfAnyPiecesEqualsOutputOfOne(t *testing.T) {
	var all strings.Builder
	for i := range 400 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	want, _ := printed(101, "", all.String())
	for size := 1; size < 300; size += 7 {
		var parts []string
		for rest := all.String(); rest != ""; {
			n := min(size, len(rest))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		if got, _ := printed(101, "", parts...); got != want {
			t.Fatalf("pieces of %d: got %q, want %q", size, got, want)
		}
	}
}
