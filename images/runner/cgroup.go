package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The control group of this container: what the kernel counts for all of its processes together.

const cgroupRoot = "/sys/fs/cgroup"

// cgroup finds the files of a group below root.
type cgroup struct {
	root string
	// path per controller of cgroup v1, as /proc/self/cgroup has them; that of v2 is at "".
	paths map[string]string
}

func ownCgroup() cgroup {
	membership, _ := os.ReadFile("/proc/self/cgroup")
	return cgroup{cgroupRoot, cgroupPaths(string(membership))}
}

func cgroupPaths(membership string) map[string]string {
	paths := map[string]string{}
	for line := range strings.SplitSeq(membership, "\n") {
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 {
			for controller := range strings.SplitSeq(fields[1], ",") {
				paths[controller] = fields[2]
			}
		}
	}
	return paths
}

// places lists where a file may be: below the group's own path if the whole hierarchy is mounted, else (in a container)
// at the mount itself; cgroup v1 before v2, since a mixed machine has its controllers in v1.
func (c cgroup) places(controller, v1, v2 string) []string {
	return []string{
		filepath.Join(c.root, controller, c.paths[controller], v1),
		filepath.Join(c.root, controller, v1),
		filepath.Join(c.root, c.paths[""], v2),
		filepath.Join(c.root, v2),
	}
}

// read is empty where the kernel has no such file.
func (c cgroup) read(controller, v1, v2 string) string {
	for _, file := range c.places(controller, v1, v2) {
		if text, err := os.ReadFile(file); err == nil {
			return string(text)
		}
	}
	return ""
}

// number is the only content of a file, such as memory.peak; nil where the file is absent or holds something else.
func number(text string) *int64 {
	found, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &found
}

// keyed is the number of a line "key number", as in cpu.stat.
func keyed(text, key string) *int64 {
	for line := range strings.SplitSeq(text, "\n") {
		if found, ok := strings.CutPrefix(line, key+" "); ok {
			return number(found)
		}
	}
	return nil
}
