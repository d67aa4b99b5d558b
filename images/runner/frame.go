package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// lineWidth keeps the lines of a frame whole: container runtimes split lines of the log at 8 or 16 KiB. Short lines would
// cost a prefix each, of the 10 MiB after which the kubelet rotates the log.
const lineWidth = 4096

// frame is a report as it is printed: compressed while it is read, because only the compressed form is kept in memory.
type frame struct {
	name       string // escaped
	bytes      int64
	hash       hash.Hash
	packed     boundedBuffer
	compressor *gzip.Writer
}

func newFrame(name string, room int) *frame {
	f := &frame{name: name, hash: sha256.New(), packed: boundedBuffer{room: room}}
	f.compressor = gzip.NewWriter(&f.packed)
	return f
}

func (f *frame) Write(data []byte) (int, error) {
	f.bytes += int64(len(data))
	f.hash.Write(data)
	return f.compressor.Write(data)
}

func (f *frame) close() {
	f.compressor.Close()
	f.compressor = nil
}

func (f *frame) overflowed() bool { return f.packed.overflowed }

func (f *frame) size() int { return f.packed.Len() }

func (f *frame) digest() string { return hex.EncodeToString(f.hash.Sum(nil)) }

func (f *frame) print(to io.Writer, nonce string) {
	fmt.Fprintf(to, "<<<swefoundry %s report %s %d %s gzip+base64\n", nonce, f.name, f.bytes, f.digest())
	lines := &lineBreaker{to: to}
	encoder := base64.NewEncoder(base64.StdEncoding, lines)
	encoder.Write(f.packed.Bytes())
	encoder.Close()
	lines.end()
	fmt.Fprintf(to, ">>>swefoundry %s end\n", nonce)
}

// boundedBuffer drops everything once it is asked to hold more than its room.
type boundedBuffer struct {
	bytes.Buffer
	room       int
	overflowed bool
}

func (b *boundedBuffer) Write(data []byte) (int, error) {
	if b.overflowed || b.Len()+len(data) > b.room {
		b.overflowed = true
		b.Buffer = bytes.Buffer{}
		return len(data), nil
	}
	return b.Buffer.Write(data)
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
