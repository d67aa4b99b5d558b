package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTheLowestCPUsAreKept(t *testing.T) {
	mask := cpuMask{0b1011_0100, 1}
	for n, want := range map[int]cpuMask{1: {0b100}, 3: {0b11_0100}, 5: mask, 9: mask} {
		if got := mask.first(n); got != want || got.count() != min(n, 5) {
			t.Errorf("%d: got %b", n, got[:2])
		}
	}
}

func TestACommandIsBoundToTheCPUs(t *testing.T) {
	done := make(chan string)
	go func() { // its thread ends with it
		count, err := limitCPUs(1)
		out, _ := exec.Command("nproc").Output()
		if err != nil || count != 1 {
			t.Errorf("got %d, %v", count, err)
		}
		done <- strings.TrimSpace(string(out))
	}()
	if got := <-done; got != "1" {
		t.Errorf("the command saw %s CPUs", got)
	}
}

func TestWithoutALimitNothingIsBound(t *testing.T) {
	if count, err := limitCPUs(0); count != 0 || err != nil {
		t.Errorf("got %d, %v", count, err)
	}
}
