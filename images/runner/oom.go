package main

// Processes of this container that the kernel killed because memory ran out.

// oomKills is 0 where the counter cannot be found. It is read twice: a counter may have a past.
func (c cgroup) oomKills() int {
	kills := keyed(c.read("memory", "memory.oom_control", "memory.events"), "oom_kill")
	if kills == nil {
		return 0
	}
	return int(*kills)
}
