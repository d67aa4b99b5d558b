package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// The report files: removed before the command, counted and printed after everybody else is dead.

const maxNote = 1500

// reports are the tests of all report files, and the files as they are printed.
type reports struct {
	printed    []*frame
	tests      *Tests // nil without a readable report
	unreadable int    // files that were found and not read completely, or not printed
	notes      []string
	aborted    bool     // the tests are those that ran before the session ended in the middle
	running    []string // the tests that were running then

	parsed int
	tally  *tally
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

func collectReports(spec Spec, recorded events) reports {
	all := reports{tally: newTally()}
	root, err := os.OpenRoot(spec.Workdir)
	if err != nil || len(spec.Reports) == 0 {
		return all
	}
	defer root.Close()
	names, complete := matching(root, spec.Reports)
	if !complete {
		all.cannotRead("too many files, not all were looked at")
	}
	if len(names) == 0 {
		all.note("no file matches %s", strings.Join(spec.Reports, " "))
	}
	if len(names) > maxReports {
		all.note("%d files match, only %d are looked at", len(names), maxReports)
		all.unreadable += len(names) - maxReports
		names = names[:maxReports]
	}
	room := rooms{raw: int64(spec.ReportBytes), packed: spec.ReportLogBytes / 4 * 3}
	for _, name := range names {
		all.add(root, name, &room)
	}
	all.addProgress(recorded, room.packed)
	if all.parsed > 0 {
		tests := countTests(all.tally.statuses(), spec.ToleratedFailures)
		all.tests = &tests
	}
	return all
}

// rooms are what is left of the limits of all reports.
type rooms struct {
	raw    int64
	packed int
}

func (r *reports) add(root *os.Root, name string, room *rooms) {
	shown := escaped(name)
	file, size, err := openReport(root, name)
	if err != nil {
		r.cannotRead("%s: %s", shown, err)
		return
	}
	defer file.Close()
	if size > room.raw {
		r.cannotRead("%s: its %d bytes are over the limit of all reports; it was not read", shown, size)
		return
	}
	room.raw -= size
	printed := newFrame(shown, room.packed)
	whole := io.TeeReader(io.LimitReader(file, size), printed)
	r.read(shown, whole)
	if _, err := io.Copy(io.Discard, whole); err != nil {
		r.cannotRead("%s: cannot be read", shown)
		return
	}
	if printed.close(); printed.overflowed() {
		r.cannotRead("%s: compressed, its %d bytes do not fit into the log; it was counted and is not kept", shown, size)
		return
	}
	room.packed -= printed.size()
	r.printed = append(r.printed, printed)
}

// read adds the tests of one file. A file of another kind is no report, so it is not counted as unreadable.
func (r *reports) read(shown string, from io.Reader) {
	part := newTally()
	err := readReport(from, part)
	if err == nil || err == errPlanless || err == errUnended || err == errMixed {
		if full := r.tally.merge(part); full != nil {
			err = full
		} else {
			r.parsed++
		}
	}
	switch err {
	case nil:
	case errNotJUnit, errUnknownKind:
		r.note("%s: %s", shown, err)
	default:
		r.cannotRead("%s: %s", shown, err)
	}
}

// readReport knows the format by its beginning, not by the file's name.
func readReport(from io.Reader, into *tally) error {
	text, err := decoded(bufio.NewReaderSize(from, 32<<10))
	if err != nil {
		return err
	}
	xml, empty := isXML(text)
	switch {
	case empty:
		return errEmpty
	case xml:
		return readJUnit(text, into)
	case isGoTest(text):
		return readGoTest(text, into)
	case isCargoTest(text):
		return readCargoTest(text, into)
	default:
		return readTAP(text, into)
	}
}

// openReport does not wait: a named pipe in a report's place would hang the runner otherwise.
func openReport(root *os.Root, name string) (*os.File, int64, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, errors.New("cannot be opened")
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, 0, errors.New("is not a regular file")
	}
	return file, info.Size(), nil
}

func (r *reports) note(format string, arguments ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, arguments...))
}

func (r *reports) cannotRead(format string, arguments ...any) {
	r.unreadable++
	r.note(format, arguments...)
}

// remarks are for people: why the code is what it is, and what was wrong with the reports.
func (r *reports) remarks(reason string) *string {
	notes := r.notes
	if reason != "" {
		notes = append([]string{reason}, notes...)
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
		fmt.Fprintf(over, "%s %s\n", one.name, one.digest())
		one.print(to, nonce)
	}
	digest := hex.EncodeToString(over.Sum(nil))
	return &digest
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
