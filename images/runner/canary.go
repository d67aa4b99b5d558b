package main

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Probe whether the network is really closed: a policy is checked, not assumed.
//
// One address is tried several times: some network plugins drop a new pod's packets until they have
// classified it, so that the very first attempt would find any network closed.

const (
	networkDenied   = "denied"
	networkOpen     = "open"
	networkUnprobed = "unprobed"

	probeWindow = 400 * time.Millisecond
)

// The first attempts share one window that opens before the command; the later ones are made only if
// the command runs that long.
var (
	firstAttempts = []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}
	laterAttempts = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second}
)

type probe struct {
	first, later chan string
	attempts     int
	ended        chan struct{}
}

func startProbe(addresses []string) *probe {
	p := &probe{
		first: make(chan string, len(addresses)*len(firstAttempts)),
		later: make(chan string, len(addresses)*len(laterAttempts)),
		ended: make(chan struct{}),
	}
	windowEnd := time.Now().Add(probeWindow)
	for _, text := range addresses {
		address := netip.MustParseAddrPort(text)
		for _, delay := range firstAttempts {
			p.attempts++
			finish := begin(address, delay, windowEnd)
			go func() { p.first <- finish() }()
		}
		for _, delay := range laterAttempts {
			go p.attemptLater(address, delay)
		}
	}
	return p
}

// begin sends an attempt without delay at once, in the caller: no code under test runs yet.
func begin(address netip.AddrPort, delay time.Duration, until time.Time) func() string {
	if delay > 0 {
		return func() string {
			time.Sleep(delay)
			return attempt(address, until)
		}
	}
	socket, err := connect(address)
	return func() string { return outcome(socket, err, until) }
}

func (p *probe) attemptLater(address netip.AddrPort, delay time.Duration) {
	select {
	case <-time.After(delay):
		p.later <- attempt(address, time.Now().Add(probeWindow))
	case <-p.ended:
	}
}

// result waits for the first attempts only, and not for those if one found the network open.
func (p *probe) result() string {
	close(p.ended)
	worst := networkUnprobed
	for i := 0; i < p.attempts && worst != networkOpen; i++ {
		worst = worse(worst, <-p.first)
	}
	for {
		select {
		case found := <-p.later:
			worst = worse(worst, found)
		default:
			return worst
		}
	}
}

func worse(a, b string) string {
	rank := map[string]int{networkUnprobed: 0, networkDenied: 1, networkOpen: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func attempt(address netip.AddrPort, until time.Time) string {
	socket, err := connect(address)
	return outcome(socket, err, until)
}

// connect begins a TCP connection. Plain system calls: package net would add a third to the binary.
func connect(address netip.AddrPort) (*os.File, error) {
	family, target := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{
		Port: int(address.Port()), Addr: address.Addr().As16()})
	if address.Addr().Is4() {
		family, target = syscall.AF_INET, &syscall.SockaddrInet4{
			Port: int(address.Port()), Addr: address.Addr().As4()}
	}
	socket, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(socket, target); err != nil && err != syscall.EINPROGRESS {
		syscall.Close(socket)
		return nil, err
	}
	return os.NewFile(uintptr(socket), "canary"), nil
}

func outcome(socket *os.File, err error, until time.Time) string {
	if err == nil {
		err = connected(socket, until)
		socket.Close()
	}
	return meaning(err)
}

// connected waits until the socket is writable and then asks what became of it. On a busy machine nobody may have looked
// before the end of the window: an answer that is there then counts, too.
func connected(socket *os.File, until time.Time) error {
	_ = socket.SetWriteDeadline(until)
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var found error
	err = raw.Write(func(fd uintptr) bool {
		var done bool
		done, found = settled(int(fd))
		return done
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = raw.Control(func(fd uintptr) {
			if done, last := settled(int(fd)); done {
				err, found = nil, last
			}
		})
	}
	return errors.Join(err, found)
}

func settled(fd int) (bool, error) {
	code, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil {
		return true, err
	}
	if code != 0 {
		return true, syscall.Errno(code)
	}
	_, err = syscall.Getpeername(fd)
	return err == nil, nil // without a peer it is still in progress
}

// meaning: an answer of any kind, a refusal too, shows that packets get through.
func meaning(err error) string {
	switch {
	case err == nil, errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return networkOpen
	case errors.Is(err, os.ErrDeadlineExceeded):
		return networkDenied
	}
	for _, closed := range []syscall.Errno{
		syscall.ETIMEDOUT, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN,
		syscall.EPERM, syscall.EACCES, syscall.EAFNOSUPPORT, syscall.EPROTO, syscall.ENOPROTOOPT,
	} {
		if errors.Is(err, closed) {
			return networkDenied
		}
	}
	return networkUnprobed // a fault of this side, such as no free port, tells nothing
}
