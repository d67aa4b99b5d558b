package main

import (
	"fmt"
	"math/bits"
	"runtime"
	"syscall"
	"unsafe"
)

// A command that may use some of the CPUs only: a control of tests that depend on their number.

const maxCPUs = 1024

type cpuMask [maxCPUs / 64]uint64

func (m cpuMask) count() int {
	total := 0
	for _, word := range m {
		total += bits.OnesCount64(word)
	}
	return total
}

// first keeps the n lowest CPUs.
func (m cpuMask) first(n int) cpuMask {
	var kept cpuMask
	for at, word := range m {
		for ; word != 0 && n > 0; n-- {
			lowest := word & -word
			kept[at] |= lowest
			word ^= lowest
		}
	}
	return kept
}

// limitCPUs binds this goroutine and the processes that it starts to n CPUs, and returns how many they are: a machine
// may have fewer. It binds nothing, and returns 0, when n is 0.
func limitCPUs(n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	runtime.LockOSThread() // and never unlocked: other goroutines keep all CPUs
	var mask cpuMask
	if err := affinity(syscall.SYS_SCHED_GETAFFINITY, &mask); err != nil {
		return 0, fmt.Errorf("cpus: %w", err)
	}
	mask = mask.first(n)
	if err := affinity(syscall.SYS_SCHED_SETAFFINITY, &mask); err != nil {
		return 0, fmt.Errorf("cpus: %w", err)
	}
	return mask.count(), nil
}

func affinity(call uintptr, mask *cpuMask) error {
	_, _, failed := syscall.RawSyscall(call, 0, unsafe.Sizeof(*mask), uintptr(unsafe.Pointer(mask)))
	if failed != 0 {
		return failed
	}
	return nil
}
