package main

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestAnAnswerThatNobodyLookedAtInTimeCounts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := connect(netip.MustParseAddrPort(listener.Addr().String()))
	accepted, acceptErr := listener.Accept()
	if acceptErr != nil {
		t.Fatal(acceptErr)
	}
	defer accepted.Close()
	if found := outcome(socket, err, time.Now().Add(-time.Second)); found != networkOpen {
		t.Errorf("%s instead of %s", found, networkOpen)
	}
}
