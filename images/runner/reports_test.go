package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

const onePass = "<testsuite><testcase/></testsuite>"

// workdir makes files: a name that ends in / is a directory, a text "-> x" is a symbolic link.
func workdir(t *testing.T, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func TestMatching(t *testing.T) {
	directory := workdir(t, map[string]string{
		"junit.xml": "", "a/x.xml": "", "a/b/y.xml": "", "a/b/c/z.xml": "", "a/note.txt": "", "d.xml/inner": "",
		"link.xml": "-> junit.xml", "out": "-> /etc", "loop/self": "-> ..", "broken.xml": "-> nowhere",
	})
	root, err := os.OpenRoot(directory)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for pattern, want := range map[string][]string{
		"junit.xml":     {"junit.xml"},
		"./junit.xml":   {"junit.xml"},
		"*.xml":         {"broken.xml", "junit.xml", "link.xml"},
		"a/*.xml":       {"a/x.xml"},
		"*/?.xml":       {"a/x.xml"},
		"a/**/*.xml":    {"a/b/c/z.xml", "a/b/y.xml", "a/x.xml"},
		"**/[yz].xml":   {"a/b/c/z.xml", "a/b/y.xml"},
		"a/b/**":        {"a/b/c/z.xml", "a/b/y.xml"},
		"out/passwd":    nil,
		"out/*":         nil,
		"missing/*.xml": nil,
		"junit.xml/x":   nil,
		"loop/self/a/*": {"loop/self/a/note.txt", "loop/self/a/x.xml"},
	} {
		if got, complete := matching(root, []string{pattern}); !reflect.DeepEqual(got, want) || !complete {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
}

func TestStaleReportsAreRemovedAndNothingElse(t *testing.T) {
	directory := workdir(t, map[string]string{
		"junit.xml": onePass, "setup.xml": "-> keep.txt", "keep.txt": "x", "more/a.xml": onePass, "dir.xml/in": "x",
	})
	if err := removeStaleReports(Spec{Workdir: directory, Reports: []string{"*.xml", "more/*.xml"}}); err != nil {
		t.Fatal(err)
	}
	root, _ := os.OpenRoot(directory)
	if left, _ := matching(root, []string{"**"}); !reflect.DeepEqual(left, []string{"dir.xml/in", "keep.txt"}) {
		t.Errorf("left %v", left)
	}
}

func collected(t *testing.T, directory string, room int, patterns ...string) reports {
	t.Helper()
	return collectReports(Spec{Workdir: directory, Reports: patterns, ReportBytes: room, ReportLogBytes: 1 << 20}, events{})
}

func TestReportsAreAddedUpAndFramed(t *testing.T) {
	directory := workdir(t, map[string]string{
		"a.xml": onePass, "b c.tap": "1..2\nok 1\nnot ok 2\n", "bad.xml": "<testsuite>", "c.json": "{}",
	})
	all := collected(t, directory, 1<<20, "*")
	if *all.tests != counts(3, 2, 1, 0, 0) {
		t.Errorf("counted %+v", *all.tests)
	}
	if note := *all.remarks(""); note != "bad.xml: the XML ends too early; c.json: neither JUnit XML, TAP, go test -json nor cargo test" {
		t.Errorf("noted %q", note)
	}
	var log bytes.Buffer
	digest := all.print(&log, "0123abcd")
	frames := framesIn(t, log.String(), "0123abcd")
	if len(frames) != 4 || frames["b%20c.tap"] != "1..2\nok 1\nnot ok 2\n" || frames["c.json"] != "{}" || digest == nil {
		t.Errorf("frames %v", frames)
	}
}

func framesIn(t *testing.T, log, nonce string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for part := range strings.SplitSeq(log, "<<<swefoundry "+nonce+" report ") {
		head, body, framed := strings.Cut(part, "\n")
		if !framed {
			continue
		}
		body, _, _ = strings.Cut(body, ">>>swefoundry "+nonce+" end\n")
		for line := range strings.Lines(body) {
			if len(line) > lineWidth+1 {
				t.Errorf("a line of %d", len(line))
			}
		}
		packed, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		reader, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(reader)
		found[strings.Fields(head)[0]] = string(content)
	}
	return found
}

func TestAReportOverTheLimitIsNamedAndNotRead(t *testing.T) {
	large := "<testsuite><testcase>" + strings.Repeat("x", 5000) + "</testcase></testsuite>"
	all := collected(t, workdir(t, map[string]string{"a.xml": large, "b.xml": onePass}), 1000, "*.xml")
	if *all.tests != counts(1, 1, 0, 0, 0) || len(all.printed) != 1 || all.printed[0].name != "b.xml" || all.unreadable != 1 {
		t.Errorf("got %+v, printed %d, unreadable %d", *all.tests, len(all.printed), all.unreadable)
	}
	want := "a.xml: its 5044 bytes are over the limit of all reports; it was not read"
	if note := *all.remarks(""); note != want {
		t.Errorf("noted %q", note)
	}
}

func TestAReportThatDoesNotFitIntoTheLogIsCountedAndNamed(t *testing.T) {
	noise := make([]byte, 6000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	large := "<testsuite><testcase name='a'>" + hex.EncodeToString(noise) + "</testcase></testsuite>"
	small := "<testsuite><testcase name='b'>" + strings.Repeat("x", 9000) + "</testcase></testsuite>"
	directory := workdir(t, map[string]string{"a.xml": large, "b.xml": small})
	all := collectReports(Spec{Workdir: directory, Reports: []string{"*.xml"}, ReportBytes: 1 << 20, ReportLogBytes: 4096}, events{})
	if *all.tests != counts(2, 2, 0, 0, 0) || len(all.printed) != 1 || all.printed[0].name != "b.xml" || all.unreadable != 1 {
		t.Errorf("got %+v, printed %d, unreadable %d", *all.tests, len(all.printed), all.unreadable)
	}
	want := "a.xml: compressed, its 12053 bytes do not fit into the log; it was counted and is not kept"
	if note := *all.remarks(""); note != want {
		t.Errorf("noted %q", note)
	}
}

func TestAReportOfManyMegabytesReachesTheLog(t *testing.T) {
	var text strings.Builder
	text.WriteString("<testsuite name='big'>")
	for i := range 60_000 {
		fmt.Fprintf(&text, "<testcase classname='c' name='t%d'><failure message='expected %d'>%0300d</failure></testcase>", i, i, i)
	}
	text.WriteString("</testsuite>")
	directory := workdir(t, map[string]string{"big.xml": text.String()})
	all := collectReports(Spec{
		Workdir: directory, Reports: []string{"*.xml"}, ReportBytes: defaultReportBytes, ReportLogBytes: defaultReportLogBytes,
	}, events{})
	var log bytes.Buffer
	all.print(&log, "0123abcd")
	if text.Len() < 20<<20 || log.Len() > defaultReportLogBytes || framesIn(t, log.String(), "0123abcd")["big.xml"] != text.String() {
		t.Errorf("%d bytes became %d", text.Len(), log.Len())
	}
	if *all.tests != counts(60_000, 0, 60_000, 0, 0) || all.unreadable != 0 {
		t.Errorf("got %+v", *all.tests)
	}
}

func TestAMillionEntriesAreReadAndOneOfThemIsFound(t *testing.T) {
	entries := func(n int) string {
		return "<testsuite>" + strings.Repeat("<testcase name='same'/>", n-1) + "<testcase name='other'><failure/></testcase></testsuite>"
	}
	if got, err := counted(entries(1_000_000)); got != counts(2, 1, 1, 0, 0) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := counted(entries(maxEntries + 1)); err != errTooMany {
		t.Errorf("got %v", err)
	}
}

func TestOnlyRegularFilesWithinTheWorkdirAreReports(t *testing.T) {
	directory := workdir(t, map[string]string{
		"outside.xml": "-> /etc/passwd", "device.xml": "-> /dev/zero", "nowhere.xml": "-> missing",
		"inside.xml": "-> real.txt", "real.txt": onePass,
	})
	if err := syscall.Mkfifo(filepath.Join(directory, "pipe.xml"), 0o644); err != nil {
		t.Fatal(err)
	}
	all := collected(t, directory, 1000, "*.xml")
	if *all.tests != counts(1, 1, 0, 0, 0) || all.unreadable != 4 || len(all.printed) != 1 {
		t.Errorf("got %+v, printed %d", *all.tests, len(all.printed))
	}
	want := "device.xml: cannot be opened; nowhere.xml: cannot be opened; outside.xml: cannot be opened; pipe.xml: is not a regular file"
	if note := *all.remarks(""); note != want {
		t.Errorf("noted %q", note)
	}
}

func TestTheReasonForTheCodeComesFirst(t *testing.T) {
	all := reports{notes: []string{"a.xml: malformed XML"}}
	if note := *all.remarks("the command ended with 3"); note != "the command ended with 3; a.xml: malformed XML" {
		t.Errorf("noted %q", note)
	}
}

func TestAnotherFileThanAReportIsNotCountedAsUnreadable(t *testing.T) {
	directory := workdir(t, map[string]string{
		"junit.xml": onePass, "coverage.xml": "<coverage/>", "notes.txt": "all good", "cut.xml": "<testsuite>", "empty.xml": "",
	})
	if all := collected(t, directory, 1000, "*"); all.unreadable != 2 || *all.tests != counts(1, 1, 0, 0, 0) {
		t.Errorf("unreadable %d, %+v", all.unreadable, *all.tests)
	}
}

func TestNoReportsDeclaredMeansNoNote(t *testing.T) {
	all := collected(t, t.TempDir(), 1000)
	if all.tests != nil || all.remarks("") != nil || all.print(io.Discard, "x") != nil {
		t.Errorf("got %+v", all)
	}
}

func TestEscapedNamesAreOneWord(t *testing.T) {
	if got := escaped("a b/é\n%.xml"); got != "a%20b/%C3%A9%0A%25.xml" {
		t.Errorf("got %s", got)
	}
}
