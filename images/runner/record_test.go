package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestRecordHasEveryFieldOfTheABI(t *testing.T) {
	digest, note := "ab12", "junit.xml: malformed XML"
	cpu, memory, written, processes, throttled := 1.5, int64(4096), int64(512), int64(3), 0.25
	measured := &Measured{&cpu, &memory, &written, &processes, &throttled}
	record := Record{
		V: 1, Nonce: "0123abcd", Stage: "after", Code: 1, OOMKills: 2, Network: "denied",
		Tests: &Tests{6, 1, 1, 2, 2, 1, 1}, ReportSHA256: &digest, ReportNote: &note, UnreadableReports: 3,
		OutputBytes: 7, OutputSHA256: "cd34", OutputTruncated: true, Measured: measured,
	}
	record.describe(exited(3))
	want := `{"v":1,"nonce":"0123abcd","stage":"after","code":1,"rawExit":3,"signal":null,"durationMs":0,"oomKills":2,` +
		`"network":"denied","tests":{"total":6,"passed":1,"failed":1,"errors":2,"skipped":2,"collectionErrors":1,"tolerated":1},` +
		`"reportSha256":"ab12","reportNote":"junit.xml: malformed XML","unreadableReports":3,"outputBytes":7,"outputSha256":"cd34","outputTruncated":true,"measured":{"cpuSeconds":1.5,"peakMemoryBytes":4096,"writtenBytes":512,"peakProcesses":3,"throttledSeconds":0.25}}`
	if got := string(record.encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRecordTellsASignalFromAnExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		ended ending
		want  string
	}{
		"a signal":              {killed(syscall.SIGSEGV), `"rawExit":null,"signal":"SIGSEGV"`},
		"a signal with no name": {killed(syscall.Signal(40)), `"rawExit":null,"signal":"SIG40"`},
		"an exit code":          {exited(0), `"rawExit":0,"signal":null`},
		"nothing was run":       {ending{notRunnable: true}, `"rawExit":null,"signal":null`},
	} {
		var record Record
		record.describe(c.ended)
		if got := string(record.encode()); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestRecordAlwaysFitsATerminationMessage(t *testing.T) {
	long := strings.Repeat("<é>", 4000)
	text := Record{ReportNote: &long}.encode()
	var read Record
	if err := json.Unmarshal(text, &read); err != nil || len(text) > maxRecord || !utf8.ValidString(*read.ReportNote) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func TestWritingReplacesWhateverIsInTheTerminationLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(strings.Repeat("forged ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openTerminationLog(path).write([]byte("true")); err != nil {
		t.Fatal(err)
	}
	if found, _ := os.ReadFile(path); string(found) != "true" {
		t.Errorf("found %q", found)
	}
}

func TestTerminationLogMustBeAFile(t *testing.T) {
	directory := t.TempDir()
	link := filepath.Join(directory, "link")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{directory, "/dev/null", link, filepath.Join(directory, "no", "log")} {
		if log := openTerminationLog(path); log.err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
}
