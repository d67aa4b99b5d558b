package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"slices"
	"syscall"
	"testing"
)

func TestParentIn(t *testing.T) {
	if got := parentIn("42 (a) b (c)) S 7 42 42 0"); got != 7 {
		t.Errorf("got %d", got)
	}
	if got := parentIn("nonsense"); got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestDescendantsAreFoundThroughAnyNumberOfParents(t *testing.T) {
	parents := map[int]int{1: 0, 10: 1, 20: 10, 30: 20, 31: 20, 40: 30, 50: 1, 60: 50, 70: 71, 71: 70}
	got := descendants(20, parents)
	slices.Sort(got)
	if !reflect.DeepEqual(got, []int{30, 31, 40}) {
		t.Errorf("got %v", got)
	}
}

func TestWhatAConnectionErrorSaysAboutTheNetwork(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "open"},
		{syscall.ECONNREFUSED, "open"},
		{syscall.ECONNRESET, "open"},
		{os.ErrDeadlineExceeded, "denied"},
		{syscall.ETIMEDOUT, "denied"},
		{syscall.ENETUNREACH, "denied"},
		{syscall.EHOSTUNREACH, "denied"},
		{syscall.EPERM, "denied"},
		{fmt.Errorf("connect: %w", syscall.EACCES), "denied"},
		{syscall.EADDRNOTAVAIL, "unprobed"},
		{syscall.EMFILE, "unprobed"},
		{errors.New("anything"), "unprobed"},
	} {
		if got := meaning(c.err); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

func TestProbe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	defer listener.Close()
	for name, c := range map[string]struct {
		addresses []string
		want      string
	}{
		"nothing to probe":             {nil, "unprobed"},
		"somebody answers":             {[]string{listener.Addr().String()}, "open"},
		"a refusal is an answer":       {[]string{closed.Addr().String()}, "open"},
		"no route":                     {[]string{"[100::1]:80"}, "denied"},
		"one open door is an open net": {[]string{"[100::1]:80", closed.Addr().String()}, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := startProbe(c.addresses).result(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheCommandSeesNoVariableOfOurs(t *testing.T) {
	got := withoutOurs([]string{"PATH=/bin", "SWEFOUNDRY_RUN={}", "SWEFOUNDRY_X=1", "MY_SWEFOUNDRY_Y=2"})
	if !reflect.DeepEqual(got, []string{"PATH=/bin", "MY_SWEFOUNDRY_Y=2"}) {
		t.Errorf("got %v", got)
	}
}
