package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Report text: bytes in one of four encodings become UTF-8, and what XML 1.0 forbids becomes visible text.
//
// The bytes decide the encoding where they can: byte order marks, and the zeros of UTF-16. A declaration is asked only
// for files of single bytes. Nothing is lost: a byte that does not fit is written as \xe9, a control character as \x1b.
// swefoundry.grading.report_text does the same.

// headBytes is how far the declaration and the first character are looked for.
const headBytes = 4096

var (
	declaredEncoding = regexp.MustCompile(`^[ \t\r\n]*<\?xml[^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']`)
	characterNumber  = regexp.MustCompile(`^#(?:([0-9]{1,10})|x([0-9A-Fa-f]{1,8}));`)
	terminalSequence = regexp.MustCompile(`^\[[0-9;?]{0,32}[A-Za-z]`)
	anyTerminalStyle = regexp.MustCompile(`\x1b\[[0-9;?]{0,32}[A-Za-z]`)
)

const escapeCharacter = 0x1b

// filter is a reader made of a function that appends the next piece of text.
type filter struct {
	append func([]byte) ([]byte, error)
	text   []byte
	taken  int
	err    error
}

func (f *filter) Read(into []byte) (int, error) {
	if f.taken == len(f.text) {
		f.text, f.taken = f.text[:0], 0
		for len(f.text) < len(into) && f.err == nil {
			f.text, f.err = f.append(f.text)
		}
	}
	n := copy(into, f.text[f.taken:])
	f.taken += n
	if n == 0 {
		return 0, f.err
	}
	return n, nil
}

// decoded is the file as UTF-8, without its byte order mark.
func decoded(from *bufio.Reader) (*bufio.Reader, error) {
	head, _ := from.Peek(headBytes)
	step, mark := appendUTF8, 0
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return nil, unsupportedEncoding("utf-32")
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		mark = 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		step, mark = appendUTF16(false), 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		step, mark = appendUTF16(true), 2
	case bytes.HasPrefix(head, []byte("<\x00")):
		step = appendUTF16(false)
	case bytes.HasPrefix(head, []byte("\x00<")):
		step = appendUTF16(true)
	default:
		declared, err := declaredStep(head)
		if err != nil {
			return nil, err
		}
		step = declared
	}
	_, _ = from.Discard(mark)
	return bufio.NewReaderSize(&filter{append: func(text []byte) ([]byte, error) { return step(from, text) }}, 32<<10), nil
}

type decodingStep func(*bufio.Reader, []byte) ([]byte, error)

func declaredStep(head []byte) (decodingStep, error) {
	declared := declaredEncoding.FindSubmatch(head)
	if declared == nil {
		return appendUTF8, nil
	}
	switch name := strings.ToLower(string(declared[1])); name {
	case "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf16", "utf-16le", "utf-16be": // it is none of UTF-16
		return appendUTF8, nil
	case "iso-8859-1", "iso8859-1", "latin-1", "latin1":
		return appendLatin1, nil
	default:
		return nil, unsupportedEncoding(name)
	}
}

type unsupportedEncoding string

func (u unsupportedEncoding) Error() string {
	return fmt.Sprintf("the encoding %s is not supported; write UTF-8", string(u))
}

func appendUTF8(from *bufio.Reader, text []byte) ([]byte, error) {
	r, size, err := from.ReadRune()
	if err != nil {
		return text, err
	}
	if r != utf8.RuneError || size > 1 {
		return utf8.AppendRune(text, r), nil
	}
	_ = from.UnreadRune()
	bad, _ := from.ReadByte()
	return appendEscaped(text, int64(bad)), nil
}

func appendLatin1(from *bufio.Reader, text []byte) ([]byte, error) {
	c, err := from.ReadByte()
	if err != nil {
		return text, err
	}
	return utf8.AppendRune(text, rune(c)), nil
}

func appendUTF16(bigEndian bool) decodingStep {
	unit := func(pair []byte) rune {
		if bigEndian {
			return rune(pair[0])<<8 | rune(pair[1])
		}
		return rune(pair[1])<<8 | rune(pair[0])
	}
	return func(from *bufio.Reader, text []byte) ([]byte, error) {
		pair, err := from.Peek(2)
		if len(pair) == 0 {
			return text, err
		}
		bad := bytes.Clone(pair)
		_, _ = from.Discard(len(pair))
		if len(pair) == 2 {
			first := unit(bad)
			if !utf16.IsSurrogate(first) {
				return utf8.AppendRune(text, first), nil
			}
			if next, _ := from.Peek(2); len(next) == 2 {
				if r := utf16.DecodeRune(first, unit(next)); r != utf8.RuneError {
					_, _ = from.Discard(2)
					return utf8.AppendRune(text, r), nil
				}
			}
		}
		for _, c := range bad {
			text = appendEscaped(text, int64(c))
		}
		return text, nil
	}
}

// sanitised is the text of an XML file with what XML 1.0 forbids written as visible text, references to it too, and
// without the colours of a terminal.
func sanitised(from *bufio.Reader) *bufio.Reader {
	return bufio.NewReaderSize(&filter{append: func(text []byte) ([]byte, error) { return appendSanitised(from, text) }}, 32<<10)
}

func appendSanitised(from *bufio.Reader, text []byte) ([]byte, error) {
	r, _, err := from.ReadRune()
	if err != nil {
		return text, err
	}
	code := int64(r)
	if r == '&' {
		number, size := referenceAt(from)
		if size == 0 || !forbidden(number) {
			return append(text, '&'), nil
		}
		_, _ = from.Discard(size)
		code = number
	}
	if code == escapeCharacter {
		following, _ := from.Peek(40)
		if style := terminalSequence.Find(following); style != nil {
			_, _ = from.Discard(len(style))
			return text, nil
		}
	}
	if forbidden(code) {
		return appendEscaped(text, code), nil
	}
	return utf8.AppendRune(text, r), nil
}

// referenceAt is the number of the character reference after an ampersand, and its length.
func referenceAt(from *bufio.Reader) (number int64, size int) {
	following, _ := from.Peek(16)
	found := characterNumber.FindSubmatch(following)
	if found == nil {
		return 0, 0
	}
	if len(found[1]) > 0 {
		number, _ = strconv.ParseInt(string(found[1]), 10, 64)
	} else {
		number, _ = strconv.ParseInt(string(found[2]), 16, 64)
	}
	return number, len(found[0])
}

// forbidden says whether XML 1.0 has no place for the character.
func forbidden(code int64) bool {
	switch {
	case code == '\t', code == '\n', code == '\r':
		return false
	case code < 0x20, code >= 0xd800 && code <= 0xdfff, code == 0xfffe, code == 0xffff:
		return true
	default:
		return code > utf8.MaxRune
	}
}

func appendEscaped(text []byte, code int64) []byte {
	switch {
	case code < 0x100:
		return fmt.Appendf(text, `\x%02x`, code)
	case code < 0x10000:
		return fmt.Appendf(text, `\u%04x`, code)
	default:
		return fmt.Appendf(text, `\U%08x`, code)
	}
}

// cleaned is a name without colours, and with control characters written as visible text.
func cleaned(name string) string {
	name = anyTerminalStyle.ReplaceAllString(name, "")
	if strings.IndexFunc(name, func(r rune) bool { return forbidden(int64(r)) }) < 0 {
		return name
	}
	var text []byte
	for _, r := range name {
		if forbidden(int64(r)) {
			text = appendEscaped(text, int64(r))
		} else {
			text = utf8.AppendRune(text, r)
		}
	}
	return string(text)
}

// isXML looks at the first character. The text is empty when there is none.
func isXML(from *bufio.Reader) (xml, empty bool) {
	head, err := from.Peek(headBytes)
	start := bytes.TrimLeft(head, " \t\r\n")
	return bytes.HasPrefix(start, []byte("<")), len(start) == 0 && err == io.EOF
}

// isCargoTest says whether the text begins as the output of `cargo test` does.
func isCargoTest(from *bufio.Reader) bool {
	head, _ := from.Peek(headBytes)
	start := bytes.TrimLeft(head, " \t\r\n")
	for _, word := range []string{"Compiling ", "Finished ", "Running ", "running "} {
		if bytes.HasPrefix(start, []byte(word)) {
			return true
		}
	}
	return false
}

// isGoTest says whether the text begins as a stream of `go test -json` does.
func isGoTest(from *bufio.Reader) bool {
	head, _ := from.Peek(headBytes)
	start := bytes.TrimLeft(head, " \t\r\n")
	return bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("FAIL\t"))
}
