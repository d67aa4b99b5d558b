package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// The report files: removed before the command, counted and printed after everybody else is dead.

const (
	countedBytes = 64 << 20 // a report is counted up to here even if it is too large to print
	maxNote      = 1500
	lineWidth    = 76
)

type report struct {
	name    string // escaped, as it is printed
	content []byte
	digest  string
}

type reports struct {
	printed []report
	tests   *Tests
	notes   []string
}

func removeStaleReports(spec Spec) error {
	root, err := os.OpenRoot(spec.Workdir)
	if err != nil {
		return nil // no workdir: the command will not be runnable
	}
	defer root.Close()
	names, all := matching(root, spec.Reports)
	if !all {
		return fmt.Errorf("stale reports: too many files in %s for the patterns", spec.Workdir)
	}
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("stale report: %w", err)
		}
	}
	return nil
}

func collectReports(spec Spec) reports {
	var all reports
	root, err := os.OpenRoot(spec.Workdir)
	if err != nil || len(spec.Reports) == 0 {
		return all
	}
	defer root.Close()
	names, complete := matching(root, spec.Reports)
	if !complete {
		all.note("too many files, not all were looked at")
	}
	if len(names) == 0 {
		all.note("no file matches %s", strings.Join(spec.Reports, " "))
	}
	if len(names) > maxReports {
		all.note("%d files match, only %d are looked at", len(names), maxReports)
		names = names[:maxReports]
	}
	room := int64(spec.ReportBytes)
	for _, name := range names {
		room -= all.add(root, name, room)
	}
	return all
}

// add returns how much of the room for printed reports the file took.
func (r *reports) add(root *os.Root, name string, room int64) int64 {
	shown := escaped(name)
	file, err := openReport(root, name)
	if err != nil {
		r.note("%s: %s", shown, err)
		return 0
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, room+1))
	if err != nil {
		r.note("%s: cannot be read", shown)
		return 0
	}
	whole := io.MultiReader(bytes.NewReader(content), file)
	r.count(shown, io.LimitReader(whole, countedBytes))
	if int64(len(content)) > room {
		r.note("%s: too large to print", shown)
		return 0
	}
	digest := sha256.Sum256(content)
	r.printed = append(r.printed, report{shown, content, hex.EncodeToString(digest[:])})
	return int64(len(content))
}

// openReport does not wait: a named pipe in a report's place would hang the runner otherwise.
func openReport(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.New("cannot be opened")
	}
	if err := mustBeRegular(file); err != nil {
		file.Close()
		return nil, errors.New("is not a regular file")
	}
	return file, nil
}

func (r *reports) count(shown string, from io.Reader) {
	tests, err := countTests(from)
	if err != nil {
		r.note("%s: %s", shown, err)
		return
	}
	if r.tests != nil {
		tests = r.tests.plus(tests)
	}
	r.tests = &tests
}

// countTests knows the format by its beginning, not by the file's name.
func countTests(from io.Reader) (Tests, error) {
	reader := bufio.NewReaderSize(from, 32<<10)
	start, _ := reader.Peek(512)
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\ufeff")), " \t\r\n")
	if bytes.HasPrefix(start, []byte("<")) {
		return countJUnit(reader)
	}
	return countTAP(reader)
}

func (r *reports) note(format string, arguments ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, arguments...))
}

// remarks are for people: what was wrong with the reports, and where report and exit code disagree.
func (r *reports) remarks(ended ending) *string {
	notes := r.notes
	if t := r.tests; t != nil && ended.exitCode() == 0 && t.Failed+t.Errors > 0 {
		notes = append(notes, fmt.Sprintf("the command exited 0, but %d tests failed", t.Failed+t.Errors))
	}
	if len(notes) == 0 {
		return nil
	}
	joined := trimmed(strings.Join(notes, "; "), maxNote)
	return &joined
}

// print writes the frames and returns the digest over their names and digests.
func (r *reports) print(to io.Writer, nonce string) *string {
	if len(r.printed) == 0 {
		return nil
	}
	over := sha256.New()
	for _, one := range r.printed {
		fmt.Fprintf(over, "%s %s\n", one.name, one.digest)
		one.print(to, nonce)
	}
	digest := hex.EncodeToString(over.Sum(nil))
	return &digest
}

func (r report) print(to io.Writer, nonce string) {
	fmt.Fprintf(to, "<<<swefoundry %s report %s %d %s gzip+base64\n", nonce, r.name, len(r.content), r.digest)
	lines := &lineBreaker{to: to}
	encoder := base64.NewEncoder(base64.StdEncoding, lines)
	compressor := gzip.NewWriter(encoder)
	compressor.Write(r.content)
	compressor.Close()
	encoder.Close()
	lines.end()
	fmt.Fprintf(to, ">>>swefoundry %s end\n", nonce)
}

type lineBreaker struct {
	to     io.Writer
	column int
}

func (l *lineBreaker) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		n := min(len(rest), lineWidth-l.column)
		l.to.Write(rest[:n])
		rest = rest[n:]
		if l.column += n; l.column == lineWidth {
			l.end()
		}
	}
	return len(data), nil
}

func (l *lineBreaker) end() {
	if l.column > 0 {
		l.to.Write([]byte{'\n'})
		l.column = 0
	}
}

// escaped makes one word of any file name: other bytes than these become %XX.
func escaped(name string) string {
	var word strings.Builder
	for _, c := range []byte(name) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("._/-+=@,:()[]{}#~", c) >= 0
		if plain {
			word.WriteByte(c)
		} else {
			fmt.Fprintf(&word, "%%%02X", c)
		}
	}
	return word.String()
}
