package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
	"unicode/utf8"
)

// The completion record, and the file it goes to.

// maxRecord is what the kubelet keeps of a termination message.
const maxRecord = 4096

type Record struct {
	V                 int       `json:"v"`
	Nonce             string    `json:"nonce"`
	Stage             string    `json:"stage"`
	Code              int       `json:"code"`
	RawExit           *int      `json:"rawExit"`
	Signal            *string   `json:"signal"`
	DurationMs        int64     `json:"durationMs"`
	OOMKills          int       `json:"oomKills"`
	Network           string    `json:"network"`
	Tests             *Tests    `json:"tests"`
	ReportSHA256      *string   `json:"reportSha256"`
	ReportNote        *string   `json:"reportNote"`
	Running           string    `json:"running,omitempty"`
	UnreadableReports int       `json:"unreadableReports"`
	OutputBytes       int64     `json:"outputBytes"`
	OutputSHA256      string    `json:"outputSha256"`
	OutputTruncated   bool      `json:"outputTruncated"`
	Measured          *Measured `json:"measured,omitempty"`
	CPUs              int       `json:"cpus,omitempty"`
	Shuffled          bool      `json:"shuffled,omitempty"`
	LaterClock        bool      `json:"laterClock,omitempty"`
}

func (r *Record) describe(ended ending) {
	r.DurationMs = ended.duration.Milliseconds()
	if ended.notRunnable {
		return
	}
	if ended.status.Signaled() {
		name := signalName(ended.status.Signal())
		r.Signal = &name
		return
	}
	exit := ended.status.ExitStatus()
	r.RawExit = &exit
}

// encode shortens the note, the only part without a bound of its own, until the record fits.
func (r Record) encode() []byte {
	for {
		text, err := json.Marshal(r)
		if err != nil {
			panic(err) // numbers and strings only: cannot happen
		}
		if len(text) <= maxRecord || r.ReportNote == nil {
			return text
		}
		shorter := trimmed(*r.ReportNote, len(*r.ReportNote)/2)
		r.ReportNote = &shorter
	}
}

// trimmed cuts a text to at most size bytes without cutting a character in two.
func trimmed(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

// terminationLog is opened once, before the command can touch the path.
// Its descriptor is close-on-exec and, PID 1 being undumpable, not reachable through /proc either.
type terminationLog struct {
	file *os.File
	err  error
}

func openTerminationLog(path string) terminationLog {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err == nil {
		err = mustBeRegular(file)
	}
	return terminationLog{file, err}
}

func mustBeRegular(file *os.File) error {
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", file.Name())
	}
	return err
}

// write replaces whatever is in the file, reads it back and tries again if it differs.
func (l terminationLog) write(text []byte) error {
	if l.err != nil {
		return l.err
	}
	var err error
	for range 20 {
		if err = l.replace(text); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("termination log: %w", err)
}

func (l terminationLog) replace(text []byte) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	if _, err := l.file.WriteAt(text, 0); err != nil {
		return err
	}
	found := make([]byte, len(text)+1)
	n, err := l.file.ReadAt(found, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(found[:n], text) {
		return errors.New("it does not hold what was written")
	}
	return nil
}
