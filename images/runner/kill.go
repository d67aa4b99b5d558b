package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// After the command: nobody else may be alive when the record is written.

// killTheRest returns when no other process is left. To the init of a process-id namespace every
// orphan falls, so "no child left" means "nobody left", however the process was daemonised.
func killTheRest(command int) error {
	deadline := time.Now().Add(killTimeout)
	for time.Now().Before(deadline) {
		killOthers(command)
		if nobodyLeft() {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return errors.New("a process of the command does not die")
}

func nobodyLeft() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err == syscall.ECHILD:
			return true
		case pid <= 0:
			return false
		}
	}
}

// killOthers must never reach beyond the container: only init may signal everybody.
func killOthers(command int) {
	if isInit() {
		_ = syscall.Kill(-1, syscall.SIGKILL)
		return
	}
	_ = syscall.Kill(-command, syscall.SIGKILL)
	for _, pid := range descendants(os.Getpid(), parents()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// parents maps every visible process to its parent.
func parents() map[int]int {
	found := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err == nil {
			found[pid] = parentIn(string(stat))
		}
	}
	return found
}

// parentIn reads "pid (name) state parent …"; the name may hold spaces and brackets.
func parentIn(stat string) int {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func descendants(of int, parents map[int]int) []int {
	var found []int
	for pid := range parents {
		for up, steps := parents[pid], 0; up > 1 && steps < len(parents); up, steps = parents[up], steps+1 {
			if up == of {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}
