package main

import "strings"

// What the command used, by the counters of the container's control group. A number that the kernel does not count is
// absent: 0 would be a measurement.

type Measured struct {
	CPUSeconds       *float64 `json:"cpuSeconds,omitempty"`
	PeakMemoryBytes  *int64   `json:"peakMemoryBytes,omitempty"`
	WrittenBytes     *int64   `json:"writtenBytes,omitempty"`
	PeakProcesses    *int64   `json:"peakProcesses,omitempty"`
	ThrottledSeconds *float64 `json:"throttledSeconds,omitempty"`
}

// counters have a past when the command starts; the others have not, for nothing that counts ran before it.
type counters struct {
	cpuMicros, throttledMicros *int64
}

func (c cgroup) counters() counters {
	stat := c.read("cpu", "cpu.stat", "cpu.stat")
	return counters{
		cpuMicros: either(
			keyed(stat, "usage_usec"), micros(number(c.read("cpuacct", "cpuacct.usage", "cpuacct.usage")))),
		throttledMicros: either(keyed(stat, "throttled_usec"), micros(keyed(stat, "throttled_time"))),
	}
}

func (c cgroup) measure(before counters) *Measured {
	now := c.counters()
	return &Measured{
		CPUSeconds:       seconds(since(now.cpuMicros, before.cpuMicros)),
		PeakMemoryBytes:  number(c.read("memory", "memory.max_usage_in_bytes", "memory.peak")),
		WrittenBytes:     writtenBytes(c.read("blkio", "blkio.throttle.io_service_bytes", "io.stat")),
		PeakProcesses:    number(c.read("pids", "pids.peak", "pids.peak")),
		ThrottledSeconds: seconds(since(now.throttledMicros, before.throttledMicros)),
	}
}

func either(first, second *int64) *int64 {
	if first != nil {
		return first
	}
	return second
}

func micros(nanos *int64) *int64 {
	if nanos == nil {
		return nil
	}
	found := *nanos / 1000
	return &found
}

// seconds keeps milliseconds: more digits would only fill the record.
func seconds(micros *int64) *float64 {
	if micros == nil {
		return nil
	}
	found := float64(*micros/1000) / 1000
	return &found
}

func since(now, before *int64) *int64 {
	if now == nil || before == nil {
		return nil
	}
	spent := max(0, *now-*before)
	return &spent
}

// writtenBytes adds the devices up: "8:0 rbytes=1 wbytes=2 …" in v2, "8:0 Write 2" in v1.
func writtenBytes(text string) *int64 {
	var sum *int64
	for line := range strings.SplitSeq(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == "Write" {
			sum = plus(sum, number(fields[2]))
		}
		for _, field := range fields {
			if found, ok := strings.CutPrefix(field, "wbytes="); ok {
				sum = plus(sum, number(found))
			}
		}
	}
	return sum
}

func plus(sum, more *int64) *int64 {
	if sum == nil || more == nil {
		return more
	}
	both := *sum + *more
	return &both
}
