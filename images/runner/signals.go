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
// Code under test often has the runner's own user id, so it may send it any signal. The Go runtime has
// a handler for each, and dies of many, so init takes its own: one that does nothing, and for SIGTERM
// one that believes a sender outside the container. Go does not tell who sent a signal, so they are in
// assembly. To leave the default is not enough: the kernel drops a signal for which the namespace's
// init has no handler, but not one that arrives while the first thread blocks it, as in each handler of
// Go. If another thread does not, the signal ends the process, unless it is one that dumps core
// (complete_signal in kernel/signal.c; SIGALRM after a number of SIGPIPE did).

// stopRequested is set by onTerm, or by a goroutine where the runner is not init.
var stopRequested uint32

func stopWanted() bool { return atomic.LoadUint32(&stopRequested) != 0 }

var onTermAddress, onOtherAddress, restoreAddress uintptr // of the handlers and of what they return to: see stop_*.s

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

// leftToKernel are the signals that dump core: init never gets them from inside, and a handler that
// returns would repeat the runner's own fault forever.
var leftToKernel = map[syscall.Signal]bool{
	syscall.SIGQUIT: true, syscall.SIGILL: true, syscall.SIGTRAP: true, syscall.SIGABRT: true, syscall.SIGFPE: true,
	syscall.SIGSEGV: true, syscall.SIGBUS: true, syscall.SIGSYS: true, syscall.SIGXCPU: true, syscall.SIGXFSZ: true,
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
		if err := setAction(number, actionOf(number)); err != nil {
			return err
		}
	}
	return nil
}

func actionOf(number syscall.Signal) kernelAction {
	if leftToKernel[number] {
		return kernelAction{} // the default
	}
	action := kernelAction{handler: onOtherAddress, restorer: restoreAddress, mask: ^uintptr(0)}
	if number == syscall.SIGTERM {
		action.handler = onTermAddress
	}
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
