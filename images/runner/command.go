package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Run the command, and know how it ended.

const (
	grace        = 5 * time.Second  // what the process group gets between SIGTERM and SIGKILL
	killTimeout  = 60 * time.Second // limit for killed processes to end
	reapedAtOnce = 512
	lookEvery    = 200 * time.Millisecond // for a stop, and should a child's end ever be missed
)

var shells = []string{"/bin/bash", "/bin/sh"}

type ending struct {
	status      syscall.WaitStatus
	duration    time.Duration
	timedOut    bool
	stopped     bool // by SIGTERM from outside
	notRunnable bool // there was nothing to wait for
	note        string
}

// exitCode is the command's own, or -1 for a signal.
func (e ending) exitCode() int {
	if e.notRunnable || !e.status.Exited() {
		return -1
	}
	return e.status.ExitStatus()
}

// runCommand returns when the command has ended and nothing that it left behind is alive.
func runCommand(spec Spec, user *account, environment []string, output *output, child <-chan os.Signal) (ending, error) {
	started := time.Now()
	pipe, pid, err := start(spec, user, environment)
	var refused notRunnable
	if errors.As(err, &refused) {
		return ending{notRunnable: true, note: refused.Error()}, nil
	}
	if err != nil {
		return ending{}, err
	}
	drained := make(chan struct{})
	go func() {
		output.drain(pipe)
		close(drained)
	}()
	ended, err := supervise(pid, spec.timeout(), child)
	if err != nil {
		return ended, err
	}
	ended.duration = time.Since(started)
	if err := killTheRest(pid); err != nil {
		return ended, err
	}
	if !isInit() { // a process that escaped from the runner's sight may hold the pipe
		_ = pipe.SetReadDeadline(time.Now().Add(2 * time.Second))
	}
	<-drained
	return ended, nil
}

// notRunnable is the command's fault (or the image's), not the machine's.
type notRunnable struct{ reason string }

func (n notRunnable) Error() string { return n.reason }

func start(spec Spec, user *account, environment []string) (*os.File, int, error) {
	if info, err := os.Stat(spec.Workdir); err != nil || !info.IsDir() {
		return nil, 0, notRunnable{"workdir " + spec.Workdir + " is not a directory"}
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, 0, err
	}
	defer nothing.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer writer.Close()
	if err := user.share(writer); err != nil {
		return nil, 0, err
	}
	pid, err := startShell(spec, user, environment, nothing, writer)
	if err != nil {
		reader.Close()
	}
	return reader, pid, err
}

func startShell(spec Spec, user *account, environment []string, stdin, stdout *os.File) (int, error) {
	attributes := &syscall.ProcAttr{
		Dir:   spec.Workdir,
		Env:   environment,
		Files: []uintptr{stdin.Fd(), stdout.Fd(), stdout.Fd()},
		// Its own session, so its own process group.
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: user.credential()},
	}
	var failures []string
	for _, shell := range shells {
		pid, err := syscall.ForkExec(shell, []string{shell, "-c", spec.Command}, attributes)
		if err == nil {
			return pid, nil
		}
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) {
			return 0, fmt.Errorf("starting %s: %w", shell, err)
		}
		failures = append(failures, shell+": "+err.Error())
	}
	return 0, notRunnable{"no shell: " + strings.Join(failures, ", ")}
}

// withoutOurs drops every variable of the runner's: the nonce is in one of them.
func withoutOurs(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "SWEFOUNDRY_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// supervise reaps orphans while it waits for the command, its time limit or a stop.
func supervise(pid int, limit time.Duration, child <-chan os.Signal) (ending, error) {
	var ended ending
	deadline := time.After(limit)
	var killAt, giveUpAt <-chan time.Time
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-child:
		case <-look.C:
			if stopWanted() {
				ended.stopped = true
				return ended, nil
			}
		case <-deadline:
			ended.timedOut = true
			ended.note = fmt.Sprintf("time limit of %s reached", limit)
			_ = syscall.Kill(-pid, syscall.SIGTERM)
			_ = syscall.Kill(-pid, syscall.SIGCONT) // one that is stopped would not notice
			killAt = time.After(grace)
		case <-killAt:
			killOthers(pid)
			giveUpAt = time.After(killTimeout)
		case <-giveUpAt:
			return ended, errors.New("the command does not die")
		}
		if status, done := reap(pid); done {
			ended.status = status
			return ended, nil
		}
	}
}

// reap collects children that have ended and says whether the command is one of them. It stops after
// some, lest processes that end as fast as they are reaped keep the time limit waiting.
func reap(command int) (status syscall.WaitStatus, done bool) {
	for range reapedAtOnce {
		var one syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &one, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid == 0:
			return status, done
		case pid == command:
			status, done = one, true
		}
	}
	return status, done
}
