package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// The files of control groups that swefoundry.programs.resource_usage must read alike.
const cgroupFixtures = "../../tests/fixtures/cgroups"

func fixtureCgroup(name string) cgroup {
	return cgroup{filepath.Join(cgroupFixtures, name), map[string]string{"": "/"}}
}

func TestWhatACommandUsedIsReadFromBothKindsOfCgroup(t *testing.T) {
	started := int64(0)
	for name, want := range map[string]string{
		"v1": `{"cpuSeconds":48.913,"peakMemoryBytes":221249536,"writtenBytes":45056,"peakProcesses":14,"throttledSeconds":1.25}`,
		"v2": `{"cpuSeconds":48.913,"peakMemoryBytes":221249536,"writtenBytes":45056,"peakProcesses":14,"throttledSeconds":1.25}`,
		// Linux 5.10 counts no peaks, a group without a quota no throttling, one that wrote nothing no device.
		"v2-old":  `{"cpuSeconds":48.913}`,
		"missing": `{}`,
	} {
		got, _ := json.Marshal(fixtureCgroup(name).measure(counters{&started, &started}))
		if string(got) != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestWhatWasUsedBeforeTheCommandDoesNotCount(t *testing.T) {
	group := fixtureCgroup("v2")
	got, _ := json.Marshal(group.measure(group.counters()))
	want := `{"cpuSeconds":0,"peakMemoryBytes":221249536,"writtenBytes":45056,"peakProcesses":14,"throttledSeconds":0}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOOMKillsAreReadFromBothKindsOfCgroup(t *testing.T) {
	for name, want := range map[string]int{"v1": 3, "v2": 4, "v2-old": 0, "missing": 0} {
		if got := fixtureCgroup(name).oomKills(); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}

func TestFilesAreLookedForInTheGroupsOwnPathFirst(t *testing.T) {
	v1 := cgroup{cgroupRoot, cgroupPaths("9:name=systemd:/\n4:cpu,memory:/kubepods/pod1\n0::/\n")}
	places := v1.places("memory", "memory.oom_control", "memory.events")
	if places[0] != "/sys/fs/cgroup/memory/kubepods/pod1/memory.oom_control" {
		t.Errorf("v1: %v", places)
	}
	v2 := cgroup{cgroupRoot, cgroupPaths("0::/system.slice/x\n")}
	places = v2.places("memory", "memory.oom_control", "memory.events")
	if places[2] != "/sys/fs/cgroup/system.slice/x/memory.events" || places[3] != "/sys/fs/cgroup/memory.events" {
		t.Errorf("v2: %v", places)
	}
}
