package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Before anything hostile runs: make this process unreadable and closed.

const (
	sysCloseRange     = 436 // the same number on every architecture
	closeRangeCloexec = 4
	prSetDumpable     = 4
	prSetChildSubreap = 36
	spareThreads      = 8
)

func isInit() bool { return os.Getpid() == 1 }

func arm() error {
	if err := prctl(prSetDumpable, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_DUMPABLE): %w", err)
	}
	if !isInit() {
		if err := prctl(prSetChildSubreap, 1); err != nil {
			return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
		}
	}
	closeOnExec()
	spareSomeThreads()
	return nil
}

func prctl(option, value uintptr) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, option, value, 0); errno != 0 {
		return errno
	}
	return nil
}

// closeOnExec covers descriptors that the runner inherited; its own are close-on-exec from the start.
func closeOnExec() {
	if _, _, errno := syscall.Syscall(sysCloseRange, 3, ^uintptr(0)>>32, closeRangeCloexec); errno == 0 {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd") // a kernel older than 5.11
	for _, entry := range entries {
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// spareSomeThreads leaves idle threads to the Go runtime: under a fork bomb that has used up the
// container's process ids it could make no new one, and would crash.
func spareSomeThreads() {
	done := make(chan struct{})
	for range spareThreads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			pause := syscall.NsecToTimespec(int64(2 * time.Millisecond))
			_ = syscall.Nanosleep(&pause, nil)
			done <- struct{}{}
		}()
	}
	for range spareThreads {
		<-done
	}
}
