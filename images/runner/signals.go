package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Which signals mean something: a child ended, or somebody outside wants the container to stop.
//
// Code under test often has the runner's own user id, so it may send it any signal. The kernel drops
// those for which the namespace's init has no handler, but the Go runtime has one for each, and dies
// of many. Therefore init gives them back to the kernel; only SIGTERM has a handler, which believes a
// sender outside the container. Go does not tell who sent a signal, so that handler is in assembly.

// stopRequested is set by onTerm, or by a goroutine where the runner is not init.
var stopRequested uint32

func stopWanted() bool { return atomic.LoadUint32(&stopRequested) != 0 }

var onTermAddress, restoreAddress uintptr // of the handler and of what it returns to: see stop_*.s

const (
	lastSignal        = 64
	kernelSigsetBytes = 8
	actionSiginfo     = 0x4
	actionRestorer    = 0x04000000
	actionOnStack     = 0x08000000
	actionRestart     = 0x10000000
)

// keptByGo are the signals that the runtime or this program needs, all harmless when forged.
var keptByGo = map[syscall.Signal]bool{
	syscall.SIGKILL: true, syscall.SIGSTOP: true, // have no handler
	syscall.SIGCHLD: true, syscall.SIGPIPE: true, syscall.SIGURG: true,
}

// kernelAction is struct sigaction as the kernel knows it, on amd64 and arm64 alike.
type kernelAction struct{ handler, flags, restorer, mask uintptr }

// listen starts to watch; the channel tells that a child ended.
func listen() (<-chan os.Signal, error) {
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	// Notified and never read: a log reader that is gone must not kill the runner,
	// and an ignored signal (unlike a handled one) would stay ignored in the command.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if isInit() {
		return child, listenAsInit()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		atomic.StoreUint32(&stopRequested, 1)
	}()
	return child, nil
}

func listenAsInit() error {
	for number := syscall.Signal(1); number <= lastSignal; number++ {
		if keptByGo[number] {
			continue
		}
		var action kernelAction // the default
		if number == syscall.SIGTERM {
			action = termAction()
		}
		if err := setAction(number, action); err != nil {
			return err
		}
	}
	return nil
}

func termAction() kernelAction {
	action := kernelAction{handler: onTermAddress, restorer: restoreAddress, mask: ^uintptr(0)}
	action.flags = actionSiginfo | actionOnStack | actionRestart
	if restoreAddress != 0 {
		action.flags |= actionRestorer
	}
	return action
}

func setAction(number syscall.Signal, action kernelAction) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number),
		uintptr(unsafe.Pointer(&action)), 0, kernelSigsetBytes, 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction(%d): %w", number, errno)
	}
	return nil
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE",
	syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", syscall.SIGSEGV: "SIGSEGV", syscall.SIGUSR2: "SIGUSR2",
	syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM", syscall.SIGTERM: "SIGTERM", syscall.SIGXCPU: "SIGXCPU",
	syscall.SIGXFSZ: "SIGXFSZ", syscall.SIGSYS: "SIGSYS",
}

func signalName(signal syscall.Signal) string {
	if name, known := signalNames[signal]; known {
		return name
	}
	return "SIG" + strconv.Itoa(int(signal))
}
