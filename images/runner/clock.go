package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A command whose clock is one year later: a control of tests that depend on the date. libfaketime shifts it in every
// dynamically linked program; intake puts the library beside the runner.

const (
	clockLibrary     = "libfaketime.so.1"
	clockShift       = 365 * 24 * time.Hour
	clockTolerance   = time.Hour // between the two looks at the clock
	clockCheckLimit  = 10 * time.Second
	clockVariable    = "FAKETIME"
	clockShiftAsText = "+365d"
)

// withLaterClock returns the environment with the later clock, and whether it is later. It is the environment as it was
// where the spec wants no other clock or the image's programs do not show it: another C library would not start any.
func withLaterClock(environment []string, spec Spec, user *account) ([]string, bool) {
	if !spec.LaterClock {
		return environment, false
	}
	program, err := os.Executable()
	if err != nil {
		return environment, false
	}
	shifted := clockEnvironment(environment, filepath.Join(filepath.Dir(program), clockLibrary))
	if shift, ok := shownTime(shifted, user); !ok || (shift-clockShift).Abs() > clockTolerance {
		return environment, false
	}
	return shifted, true
}

// clockEnvironment sets no option for file times: builds of libfaketime differ in whether they shift them.
func clockEnvironment(before []string, library string) []string {
	after := slices.DeleteFunc(slices.Clone(before), func(variable string) bool {
		return strings.HasPrefix(variable, clockVariable)
	})
	after = withFirst(after, "LD_PRELOAD", library, ":")
	// A shifted monotonic clock breaks programs that wait.
	return append(after, clockVariable+"="+clockShiftAsText, clockVariable+"_DONT_FAKE_MONOTONIC=1")
}

// shownTime is how far the clock of the image's programs is ahead.
func shownTime(environment []string, user *account) (time.Duration, bool) {
	limit, cancel := context.WithTimeout(context.Background(), clockCheckLimit)
	defer cancel()
	for _, shell := range shells {
		command := exec.CommandContext(limit, shell, "-c", "date +%s")
		command.Env, command.Dir, command.WaitDelay = environment, "/", time.Second
		command.SysProcAttr = &syscall.SysProcAttr{Credential: user.credential()}
		out, err := command.Output()
		seconds, unreadable := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err == nil && unreadable == nil {
			return time.Until(time.Unix(seconds, 0)), true
		}
	}
	return 0, false
}
