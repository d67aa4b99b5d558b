package main

import (
	"os"
	"strconv"
	"strings"
)

// Processes of this container that the kernel killed because memory ran out.

// oomKills is 0 where the counter cannot be found. It is read twice: a counter may have a past.
func oomKills() int {
	membership, _ := os.ReadFile("/proc/self/cgroup")
	for _, file := range oomCounters(string(membership)) {
		if text, err := os.ReadFile(file); err == nil {
			return oomKillIn(string(text))
		}
	}
	return 0
}

// oomCounters lists where the counter may be: below the group's own path if the whole hierarchy is
// mounted, else (in a container) at the mount itself; cgroup v1 before v2, since a mixed machine has
// its memory controller in v1.
func oomCounters(membership string) []string {
	var v1, v2 string
	for line := range strings.SplitSeq(membership, "\n") {
		fields := strings.SplitN(line, ":", 3)
		switch {
		case len(fields) != 3:
		case fields[0] == "0":
			v2 = fields[2]
		case strings.Contains(","+fields[1]+",", ",memory,"):
			v1 = fields[2]
		}
	}
	return []string{
		"/sys/fs/cgroup/memory" + v1 + "/memory.oom_control",
		"/sys/fs/cgroup/memory/memory.oom_control",
		"/sys/fs/cgroup" + v2 + "/memory.events",
		"/sys/fs/cgroup/memory.events",
	}
}

// oomKillIn reads "oom_kill N", a line of both files.
func oomKillIn(text string) int {
	for line := range strings.SplitSeq(text, "\n") {
		if number, found := strings.CutPrefix(line, "oom_kill "); found {
			kills, _ := strconv.Atoi(strings.TrimSpace(number))
			return kills
		}
	}
	return 0
}
