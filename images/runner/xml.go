package main

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Read the elements of an XML file: names and attributes. Text is passed over, no entity is defined, a document type is
// passed over or refused. Strict, so that it accepts what the operator's parser (expat, without namespaces) accepts.
// Memory is bounded by depth and by the longest tag.

const (
	maxDepth = 64
	maxName  = 256
)

var (
	errNotXML  = errors.New("malformed XML")
	errCutOff  = errors.New("the XML ends too early")
	errDoctype = errors.New("document types are refused")
	errTooDeep = errors.New("elements are nested too deeply")
)

type attribute struct{ name, value string }

// element is an opened or a closed element. Its name has no namespace prefix.
type element struct {
	name       string
	opens      bool
	attributes []attribute
}

func (e element) attribute(name string) string {
	for _, one := range e.attributes {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

type xmlReader struct {
	from    *bufio.Reader
	open    []string
	pending string // the name of an empty element, whose closing comes next
	rooted  bool
	typed   bool // a document type came before the root
}

// newXMLReader passes over what may come before the root: white space and the XML declaration.
func newXMLReader(from *bufio.Reader) (*xmlReader, error) {
	x := &xmlReader{from: from}
	for {
		head, _ := from.Peek(6)
		switch {
		case len(head) > 0 && isSpace(rune(head[0])):
			_, _ = from.Discard(1)
		case len(head) == 6 && string(head[:5]) == "<?xml" && isSpace(rune(head[5])):
			return x, x.passUntil("?>")
		default:
			return x, nil
		}
	}
}

// next returns io.EOF after the root and what may follow it.
func (x *xmlReader) next() (element, error) {
	if x.pending != "" {
		name := x.pending
		x.pending, x.open = "", x.open[:len(x.open)-1]
		return element{name: local(name)}, nil
	}
	for {
		if err := x.passText(); err != nil {
			return element{}, err
		}
		first, err := x.read()
		if err != nil {
			return element{}, err
		}
		switch first {
		case '?':
			err = x.passInstruction()
		case '!':
			err = x.passDeclaration()
		case '/':
			return x.closing()
		default:
			_ = x.from.UnreadRune()
			return x.opening()
		}
		if err != nil {
			return element{}, err
		}
	}
}

func (x *xmlReader) read() (rune, error) {
	r, _, err := x.from.ReadRune()
	if err != nil {
		return 0, errCutOff
	}
	return r, nil
}

// passText passes over everything up to and including "<". The end is an end only after the root.
func (x *xmlReader) passText() error {
	brackets := 0 // in a row, because "]]>" may not stand in text
	for {
		r, _, err := x.from.ReadRune()
		switch {
		case err == io.EOF && x.rooted && len(x.open) == 0:
			return io.EOF
		case err != nil:
			return errCutOff
		case r == '<':
			return nil
		case len(x.open) == 0 && !isSpace(r), r == '>' && brackets >= 2:
			return errNotXML
		case r == '&':
			if _, err := x.reference(); err != nil {
				return err
			}
		}
		if brackets++; r != ']' {
			brackets = 0
		}
	}
}

func (x *xmlReader) passInstruction() error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if strings.EqualFold(name, "xml") {
		return errNotXML // an XML declaration has its place at the start
	}
	next, err := x.read()
	if err != nil {
		return err
	}
	if next == '?' {
		next, err = x.read()
		if err == nil && next != '>' {
			err = errNotXML
		}
		return err
	}
	if !isSpace(next) {
		return errNotXML
	}
	return x.passUntil("?>")
}

func (x *xmlReader) passDeclaration() error {
	start, _ := x.from.Peek(7)
	switch {
	case strings.HasPrefix(string(start), "--"):
		_, _ = x.from.Discard(2)
		if err := x.passUntil("--"); err != nil {
			return err
		}
		if end, err := x.read(); err != nil || end != '>' {
			return errNotXML
		}
		return nil
	case string(start) == "[CDATA[" && len(x.open) > 0:
		_, _ = x.from.Discard(7)
		return x.passUntil("]]>")
	case string(start) == "DOCTYPE":
		_, _ = x.from.Discard(7)
		return x.passDoctype()
	default:
		return errDoctype
	}
}

func (x *xmlReader) passUntil(end string) error {
	var last []byte
	for {
		c, err := x.from.ReadByte()
		if err != nil {
			return errCutOff
		}
		if last = append(last, c); len(last) > len(end) {
			last = append(last[:0], last[1:]...)
		}
		if string(last) == end {
			return nil
		}
	}
}

func (x *xmlReader) opening() (element, error) {
	name, err := x.name()
	if err != nil {
		return element{}, err
	}
	if x.rooted && len(x.open) == 0 {
		return element{}, errNotXML // a second root
	}
	if len(x.open) == maxDepth {
		return element{}, errTooDeep
	}
	attributes, empty, err := x.attributes()
	if err != nil {
		return element{}, err
	}
	x.rooted = true
	x.open = append(x.open, name)
	if empty {
		x.pending = name
	}
	return element{local(name), true, attributes}, nil
}

func (x *xmlReader) closing() (element, error) {
	name, err := x.name()
	if err != nil {
		return element{}, err
	}
	end, _, err := x.passSpace()
	if err != nil {
		return element{}, err
	}
	top := len(x.open) - 1
	if end != '>' || top < 0 || x.open[top] != name {
		return element{}, errNotXML
	}
	x.open = x.open[:top]
	return element{name: local(name)}, nil
}

func (x *xmlReader) name() (string, error) {
	var name []byte
	for {
		r, err := x.read()
		if err != nil {
			return "", err
		}
		if !isNamePart(r, len(name) == 0) {
			_ = x.from.UnreadRune()
			break
		}
		if name = utf8.AppendRune(name, r); len(name) > maxName {
			return "", errNotXML
		}
	}
	if len(name) == 0 {
		return "", errNotXML
	}
	return string(name), nil
}

// passSpace returns the first character that is not white space.
func (x *xmlReader) passSpace() (next rune, spaced bool, err error) {
	for {
		next, err = x.read()
		if err != nil || !isSpace(next) {
			return next, spaced, err
		}
		spaced = true
	}
}

// attributes reads the rest of an opening tag and says whether it ended in "/>".
func (x *xmlReader) attributes() (found []attribute, empty bool, err error) {
	for {
		next, spaced, err := x.passSpace()
		switch {
		case err != nil:
			return nil, false, err
		case next == '>':
			return found, false, nil
		case next == '/':
			if end, err := x.read(); err != nil || end != '>' {
				return nil, false, errNotXML
			}
			return found, true, nil
		case !spaced:
			return nil, false, errNotXML
		}
		_ = x.from.UnreadRune()
		one, err := x.attribute()
		if err != nil {
			return nil, false, err
		}
		for _, other := range found {
			if other.name == one.name {
				return nil, false, errNotXML
			}
		}
		found = append(found, one)
	}
}

func (x *xmlReader) attribute() (attribute, error) {
	name, err := x.name()
	if err != nil {
		return attribute{}, err
	}
	if equals, _, err := x.passSpace(); err != nil || equals != '=' {
		return attribute{}, errNotXML
	}
	quote, _, err := x.passSpace()
	if err != nil || quote != '"' && quote != '\'' {
		return attribute{}, errNotXML
	}
	value, err := x.value(quote)
	return attribute{name, value}, err
}

// value reads an attribute's value: references are replaced, and white space that is none of them becomes a space.
func (x *xmlReader) value(quote rune) (string, error) {
	var text []byte
	for {
		r, err := x.read()
		switch {
		case err != nil:
			return "", err
		case r == quote:
			return string(text), nil
		case r == '<':
			return "", errNotXML
		case r == '&':
			if r, err = x.reference(); err != nil {
				return "", err
			}
		case r == '\r':
			if next, _ := x.from.Peek(1); len(next) == 1 && next[0] == '\n' {
				continue
			}
			r = ' '
		case isSpace(r):
			r = ' '
		}
		text = utf8.AppendRune(text, r)
	}
}

var predefined = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\''}

// reference reads the rest of a reference.
func (x *xmlReader) reference() (rune, error) {
	var name []byte
	for {
		c, err := x.from.ReadByte()
		if err != nil {
			return 0, errCutOff
		}
		if c == ';' {
			break
		}
		if name = append(name, c); len(name) > maxName {
			return 0, errNotXML
		}
	}
	if r, known := predefined[string(name)]; known {
		return r, nil
	}
	digits, numeric := strings.CutPrefix(string(name), "#")
	base := 10
	if hexadecimal, hex := strings.CutPrefix(digits, "x"); hex {
		digits, base = hexadecimal, 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if !numeric || err != nil || forbidden(int64(code)) {
		return 0, errNotXML
	}
	return rune(code), nil
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// isNamePart knows names of ASCII: no report has others.
func isNamePart(r rune, first bool) bool {
	if r == '_' || r == ':' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return true
	}
	return !first && (r == '-' || r == '.' || r >= '0' && r <= '9')
}

// local drops a namespace prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }
