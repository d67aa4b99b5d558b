package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// The command's output: the head is passed on as it comes, of the rest only the tail is kept,
// and size and digest are of all of it.

type output struct {
	to        flusher
	headSize  int64
	headTaken int64
	tail      []byte // a ring once it is full
	tailSize  int
	tailNext  int
	total     int64
	digest    hash.Hash
	lastByte  byte
}

type flusher interface {
	io.Writer
	Flush() error
}

func newOutput(to flusher, limit int) *output {
	return &output{
		to: to, headSize: int64(limit / 2), tailSize: limit - limit/2, digest: sha256.New(), lastByte: '\n',
	}
}

// drain reads until nobody holds the other end. A log reader that is gone does not stop it.
func (o *output) drain(from io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		o.take(buffer[:n])
		if err != nil {
			return
		}
	}
}

func (o *output) take(data []byte) {
	o.total += int64(len(data))
	o.digest.Write(data)
	head := min(int64(len(data)), o.headSize-o.headTaken)
	o.headTaken += head
	if head > 0 {
		o.pass(data[:head])
		o.to.Flush()
	}
	o.keep(data[head:])
}

func (o *output) keep(data []byte) {
	if len(data) > o.tailSize {
		data = data[len(data)-o.tailSize:]
	}
	room := min(len(data), o.tailSize-len(o.tail))
	o.tail = append(o.tail, data[:room]...)
	for data = data[room:]; len(data) > 0; {
		n := copy(o.tail[o.tailNext:], data)
		o.tailNext = (o.tailNext + n) % o.tailSize
		data = data[n:]
	}
}

func (o *output) pass(data []byte) {
	if len(data) == 0 {
		return
	}
	o.lastByte = data[len(data)-1]
	o.to.Write(data)
}

func (o *output) leftOut() int64 { return o.total - o.headTaken - int64(len(o.tail)) }

// finish prints the tail and a note, and ends the last line so that a frame starts on its own.
func (o *output) finish(note string) {
	if n := o.leftOut(); n > 0 {
		o.endLine()
		o.pass([]byte(fmt.Sprintf("[swefoundry: %d bytes of output left out here]\n", n)))
	}
	o.pass(o.tail[o.tailNext:])
	o.pass(o.tail[:o.tailNext])
	o.endLine()
	if note != "" {
		o.pass([]byte("[swefoundry: " + note + "]\n"))
	}
	o.to.Flush()
}

func (o *output) endLine() {
	if o.lastByte != '\n' {
		o.pass([]byte{'\n'})
	}
}

func (o *output) summary() (int64, string, bool) {
	return o.total, hex.EncodeToString(o.digest.Sum(nil)), o.leftOut() > 0
}
