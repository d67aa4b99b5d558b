package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"time"
)

// What is to be run: the one input, from the environment variable SWEFOUNDRY_RUN.

const (
	specVariable          = "SWEFOUNDRY_RUN"
	defaultTerminationLog = "/dev/termination-log"

	defaultOutputBytes    = 1 << 20
	defaultReportBytes    = 64 << 20
	defaultReportLogBytes = 6 << 20
	minOutputBytes        = 1 << 10
	maxOutputBytes        = 8 << 20 // half of it is the tail, which is kept in memory
	maxReportBytes        = 64 << 20
	maxReportLogBytes     = 8 << 20 // the kubelet rotates a log after 10 MiB, and serves what came last
	maxTimeout            = 7 * 24 * time.Hour
)

// Spec is refused as a whole when a field is unknown: a misspelt limit must not silently vanish.
type Spec struct {
	V                 int      `json:"v"`
	Nonce             string   `json:"nonce"`
	Stage             string   `json:"stage"`
	Command           string   `json:"command"`
	Workdir           string   `json:"workdir"`
	TimeoutSeconds    int      `json:"timeoutSeconds"`
	Reports           []string `json:"reports"`
	ErrorExitCodes    []int    `json:"errorExitCodes"`
	ToleratedFailures []string `json:"toleratedFailures"`
	RunAsUser         int      `json:"runAsUser"`   // 0 is root
	ShuffleSeed       uint32   `json:"shuffleSeed"` // 0: the tests run as they were collected
	CPUs              int      `json:"cpus"`        // 0: all
	LaterClock        bool     `json:"laterClock"`
	OutputBytes       int      `json:"outputBytes"`
	ReportBytes       int      `json:"reportBytes"`
	ReportLogBytes    int      `json:"reportLogBytes"`
	Canary            []string `json:"canary"`
	TerminationLog    string   `json:"terminationLog"`
}

func (s Spec) timeout() time.Duration { return time.Duration(s.TimeoutSeconds) * time.Second }

func specFrom(text string) (Spec, error) {
	var spec Spec
	if text == "" {
		return spec, fmt.Errorf("%s is not set", specVariable)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&spec); err != nil {
		return spec, fmt.Errorf("%s: %w", specVariable, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return spec, fmt.Errorf("%s: something follows the JSON object", specVariable)
	}
	spec = spec.withDefaults()
	if fault := spec.fault(); fault != "" {
		return spec, fmt.Errorf("%s: %s", specVariable, fault)
	}
	return spec, nil
}

func (s Spec) withDefaults() Spec {
	if s.OutputBytes == 0 {
		s.OutputBytes = defaultOutputBytes
	}
	if s.ReportBytes == 0 {
		s.ReportBytes = defaultReportBytes
	}
	if s.ReportLogBytes == 0 {
		s.ReportLogBytes = defaultReportLogBytes
	}
	if s.TerminationLog == "" {
		s.TerminationLog = defaultTerminationLog
	}
	return s
}

var (
	nonceShape = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)
	stageShape = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// fault names the first field that is wrong, or nothing.
func (s Spec) fault() string {
	switch {
	case s.V != 1:
		return fmt.Sprintf("v is %d, this runner knows 1", s.V)
	case !nonceShape.MatchString(s.Nonce):
		return "nonce must be 8 to 128 letters, digits, _ or -"
	case !stageShape.MatchString(s.Stage):
		return "stage must be 1 to 40 lower-case letters, digits or -"
	case strings.TrimSpace(s.Command) == "" || strings.ContainsRune(s.Command, 0):
		return "command must not be empty or hold a NUL"
	case !path.IsAbs(s.Workdir):
		return "workdir must be absolute"
	case !path.IsAbs(s.TerminationLog):
		return "terminationLog must be absolute"
	case s.TimeoutSeconds < 1 || s.timeout() > maxTimeout:
		return "timeoutSeconds must be between 1 and 604800"
	case s.RunAsUser < 0 || s.RunAsUser > maxUser:
		return fmt.Sprintf("runAsUser must be between 1 and %d", maxUser)
	case s.CPUs < 0 || s.CPUs > maxCPUs:
		return fmt.Sprintf("cpus must be between 1 and %d", maxCPUs)
	case s.OutputBytes < minOutputBytes || s.OutputBytes > maxOutputBytes:
		return fmt.Sprintf("outputBytes must be between %d and %d", minOutputBytes, maxOutputBytes)
	case s.ReportBytes < 0 || s.ReportBytes > maxReportBytes:
		return fmt.Sprintf("reportBytes must be at most %d", maxReportBytes)
	case s.ReportLogBytes < 0 || s.ReportLogBytes > maxReportLogBytes:
		return fmt.Sprintf("reportLogBytes must be at most %d", maxReportLogBytes)
	}
	return s.listFault()
}

func (s Spec) listFault() string {
	for _, pattern := range s.Reports {
		if fault := patternFault(pattern); fault != "" {
			return fmt.Sprintf("reports: %q %s", pattern, fault)
		}
	}
	for _, code := range s.ErrorExitCodes {
		if code < 1 || code > 255 {
			return fmt.Sprintf("errorExitCodes: %d is not between 1 and 255", code)
		}
	}
	for _, address := range s.Canary {
		if _, err := netip.ParseAddrPort(address); err != nil {
			return fmt.Sprintf("canary: %q is not ip:port", address)
		}
	}
	return ""
}
