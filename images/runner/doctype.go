package main

import "strings"

// A document type is read only to pass over it: reports of coverage and of linters have one, no test report does.
// What it refers to is never fetched, and one that declares anything of its own is refused.

// publicIDCharacters may stand in a public identifier, beside letters and digits.
const publicIDCharacters = " \r\n-'()+,./:=?;!*#@$_%"

// passDoctype reads the rest of `<!DOCTYPE name SYSTEM "x">`.
func (x *xmlReader) passDoctype() error {
	if x.rooted || x.typed {
		return errNotXML
	}
	x.typed = true
	if _, spaced, err := x.peekAfterSpace(); err != nil || !spaced {
		return errNotXML
	}
	if _, err := x.name(); err != nil {
		return err
	}
	next, spaced, err := x.peekAfterSpace()
	if err == nil && spaced && next != '>' && next != '[' {
		err = x.passExternalID()
	}
	if err != nil {
		return err
	}
	switch next, _, err = x.passSpace(); {
	case err != nil:
		return err
	case next == '[':
		return errDoctype
	case next != '>':
		return errNotXML
	}
	return nil
}

// passExternalID reads SYSTEM "x" or PUBLIC "x" "y".
func (x *xmlReader) passExternalID() error {
	keyword, err := x.name()
	if err != nil {
		return err
	}
	switch keyword {
	case "SYSTEM":
	case "PUBLIC":
		if err := x.passLiteral(isPublicIDPart); err != nil {
			return err
		}
	default:
		return errNotXML
	}
	return x.passLiteral(func(rune) bool { return true })
}

func (x *xmlReader) passLiteral(allowed func(rune) bool) error {
	quote, spaced, err := x.passSpace()
	if err != nil {
		return err
	}
	if !spaced || quote != '"' && quote != '\'' {
		return errNotXML
	}
	for {
		r, err := x.read()
		switch {
		case err != nil:
			return err
		case r == quote:
			return nil
		case !allowed(r):
			return errNotXML
		}
	}
}

func isPublicIDPart(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(publicIDCharacters, r)
}

// peekAfterSpace passes over white space and leaves what follows.
func (x *xmlReader) peekAfterSpace() (next rune, spaced bool, err error) {
	next, spaced, err = x.passSpace()
	if err == nil {
		_ = x.from.UnreadRune()
	}
	return next, spaced, err
}
