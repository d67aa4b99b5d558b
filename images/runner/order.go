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
	orderVariable         = "SWEFOUNDRY_RUN"
	defaultTerminationLog = "/dev/termination-log"

	defaultOutputBytes = 1 << 20
	defaultReportBytes = 4 << 20
	minOutputBytes     = 1 << 10
	maxOutputBytes     = 8 << 20  // half of it is the tail, which is kept in memory
	maxReportBytes     = 16 << 20 // all of it is kept in memory at the end
	maxTimeout         = 7 * 24 * time.Hour
)

// Order is refused as a whole when a field is unknown: a misspelt limit must not silently vanish.
type Order struct {
	V              int      `json:"v"`
	Nonce          string   `json:"nonce"`
	Stage          string   `json:"stage"`
	Command        string   `json:"command"`
	Workdir        string   `json:"workdir"`
	TimeoutSeconds int      `json:"timeoutSeconds"`
	Reports        []string `json:"reports"`
	ErrorExitCodes []int    `json:"errorExitCodes"`
	OutputBytes    int      `json:"outputBytes"`
	ReportBytes    int      `json:"reportBytes"`
	Canary         []string `json:"canary"`
	TerminationLog string   `json:"terminationLog"`
}

func (o Order) timeout() time.Duration { return time.Duration(o.TimeoutSeconds) * time.Second }

func orderFrom(text string) (Order, error) {
	var order Order
	if text == "" {
		return order, fmt.Errorf("%s is not set", orderVariable)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&order); err != nil {
		return order, fmt.Errorf("%s: %w", orderVariable, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return order, fmt.Errorf("%s: something follows the JSON object", orderVariable)
	}
	order = order.withDefaults()
	if fault := order.fault(); fault != "" {
		return order, fmt.Errorf("%s: %s", orderVariable, fault)
	}
	return order, nil
}

func (o Order) withDefaults() Order {
	if o.OutputBytes == 0 {
		o.OutputBytes = defaultOutputBytes
	}
	if o.ReportBytes == 0 {
		o.ReportBytes = defaultReportBytes
	}
	if o.TerminationLog == "" {
		o.TerminationLog = defaultTerminationLog
	}
	return o
}

var (
	nonceShape = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)
	stageShape = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// fault names the first field that is wrong, or nothing.
func (o Order) fault() string {
	switch {
	case o.V != 1:
		return fmt.Sprintf("v is %d, this runner knows 1", o.V)
	case !nonceShape.MatchString(o.Nonce):
		return "nonce must be 8 to 128 letters, digits, _ or -"
	case !stageShape.MatchString(o.Stage):
		return "stage must be 1 to 40 lower-case letters, digits or -"
	case strings.TrimSpace(o.Command) == "" || strings.ContainsRune(o.Command, 0):
		return "command must not be empty or hold a NUL"
	case !path.IsAbs(o.Workdir):
		return "workdir must be absolute"
	case !path.IsAbs(o.TerminationLog):
		return "terminationLog must be absolute"
	case o.TimeoutSeconds < 1 || o.timeout() > maxTimeout:
		return "timeoutSeconds must be between 1 and 604800"
	case o.OutputBytes < minOutputBytes || o.OutputBytes > maxOutputBytes:
		return fmt.Sprintf("outputBytes must be between %d and %d", minOutputBytes, maxOutputBytes)
	case o.ReportBytes < 0 || o.ReportBytes > maxReportBytes:
		return fmt.Sprintf("reportBytes must be at most %d", maxReportBytes)
	}
	return o.listFault()
}

func (o Order) listFault() string {
	for _, pattern := range o.Reports {
		if fault := patternFault(pattern); fault != "" {
			return fmt.Sprintf("reports: %q %s", pattern, fault)
		}
	}
	for _, code := range o.ErrorExitCodes {
		if code < 1 || code > 255 {
			return fmt.Sprintf("errorExitCodes: %d is not between 1 and 255", code)
		}
	}
	for _, address := range o.Canary {
		if _, err := netip.ParseAddrPort(address); err != nil {
			return fmt.Sprintf("canary: %q is not ip:port", address)
		}
	}
	return ""
}
