// Command runner is PID 1 of an evaluation container: it runs one test command and says,
// in a record that the command cannot forge, how that ended.
//
// The order of the steps is the security argument, so it is all in this file:
// arm, run, kill every other process, and only then read reports, print them and write the record.
package main

import (
	"bufio"
	"fmt"
	"os"
)

// Exit codes of the runner's own troubles. Neither comes with a record, so neither is a verdict.
const (
	exitUsage   = 90  // SWEFOUNDRY_RUN is missing or wrong
	exitBroken  = 91  // the runner could not do its work (a process that will not die, no record written)
	exitStopped = 143 // SIGTERM from outside the container: the evidence is lost
)

func main() {
	if err := arm(); err != nil {
		os.Exit(giveUp(openTerminationLog(defaultTerminationLog), exitBroken, err))
	}
	spec, err := specFrom(os.Getenv(specVariable))
	if err != nil {
		os.Exit(giveUp(openTerminationLog(defaultTerminationLog), exitUsage, err))
	}
	log := openTerminationLog(spec.TerminationLog)
	if log.err != nil {
		os.Exit(giveUp(log, exitUsage, log.err))
	}
	os.Exit(evaluate(spec, log))
}

func evaluate(spec Spec, log terminationLog) int {
	child, err := listen()
	if err != nil {
		return giveUp(log, exitBroken, err)
	}
	stdout := bufio.NewWriterSize(os.Stdout, 32<<10)
	output := newOutput(stdout, spec.OutputBytes)
	if err := removeStaleReports(spec); err != nil {
		return giveUp(log, exitBroken, err)
	}
	progress := newProgress(spec)
	user, err := newAccount(spec)
	if err != nil {
		return giveUp(log, exitBroken, err)
	}
	group := ownCgroup()
	oomBefore, countersBefore := group.oomKills(), group.counters()
	probe := startProbe(spec.Canary)

	cpus, err := limitCPUs(spec.CPUs)
	if err != nil {
		return giveUp(log, exitBroken, err)
	}
	environment := progress.environment(user.environment(withoutOurs(os.Environ())))
	environment, later := withLaterClock(environment, spec, user)
	ended, err := runCommand(spec, user, environment, output, child)
	if err != nil {
		return giveUp(log, exitBroken, err)
	}
	if ended.stopped {
		return giveUp(log, exitStopped, fmt.Errorf("stopped by SIGTERM before the command ended: no verdict"))
	}

	// Nobody but this process is alive from here on.
	output.finish(ended.note)
	record := Record{V: 1, Nonce: spec.Nonce, Stage: spec.Stage}
	record.describe(ended)
	record.OOMKills = max(0, group.oomKills()-oomBefore)
	record.Measured = group.measure(countersBefore)
	record.Network = probe.result()
	record.OutputBytes, record.OutputSHA256, record.OutputTruncated = output.summary()
	seen := progress.read()
	record.CPUs, record.Shuffled, record.LaterClock = cpus, seen.shuffled, later
	reports := collectReports(spec, seen)
	code, reason := canonicalCode(situationOf(spec, ended, reports))
	record.Code, record.Tests, record.UnreadableReports = code, reports.tests, reports.unreadable
	record.ReportNote, record.Running = reports.remarks(reason), reports.runningTest()
	record.ReportSHA256 = reports.print(stdout, spec.Nonce)
	stdout.Flush() // a reader that is gone loses the log, which the operator notices by reportSha256
	if err := log.write(record.encode()); err != nil {
		return giveUp(log, exitBroken, err)
	}
	return record.Code
}

// giveUp leaves a sentence instead of a record: people can read it, and no parser takes it for a verdict.
func giveUp(log terminationLog, code int, reason error) int {
	sentence := "runner: " + reason.Error() + "\n"
	os.Stderr.WriteString(sentence)
	_ = log.write([]byte(sentence))
	return code
}
