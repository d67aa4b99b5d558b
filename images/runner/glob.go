package main

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// Match report files: `*`, `?`, `[…]` within a name, `**` for any number of directories.
// Everything goes through an os.Root, so that no symbolic link leads out of the working directory.

const (
	maxVisited = 1_000_000 // directory entries looked at, over all patterns
	maxReports = 2_000
)

func patternFault(pattern string) string {
	switch {
	case pattern == "":
		return "is empty"
	case path.IsAbs(pattern):
		return "must be relative to workdir"
	case strings.ContainsRune(pattern, 0):
		return "holds a NUL"
	case slices.Contains(strings.Split(pattern, "/"), ".."):
		return "must not hold .."
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(segment, ""); err != nil {
			return "is no valid pattern"
		}
	}
	return ""
}

type matcher struct {
	root    *os.Root
	visited int
	found   map[string]bool
}

// matching returns the sorted paths that match any pattern and are no directories, and whether it saw all.
func matching(root *os.Root, patterns []string) (paths []string, all bool) {
	m := &matcher{root: root, found: map[string]bool{}}
	for _, pattern := range patterns {
		m.descend(".", strings.Split(path.Clean(pattern), "/"))
	}
	return slices.Sorted(maps.Keys(m.found)), m.visited < maxVisited
}

func (m *matcher) descend(directory string, segments []string) {
	first, rest := segments[0], segments[1:]
	if first == "**" {
		m.descendAnywhere(directory, rest)
		return
	}
	if !strings.ContainsAny(first, `*?[\`) {
		m.arrive(path.Join(directory, first), rest)
		return
	}
	for _, entry := range m.list(directory) {
		if matches, _ := path.Match(first, entry.Name()); matches {
			m.arrive(path.Join(directory, entry.Name()), rest)
		}
	}
}

func (m *matcher) descendAnywhere(directory string, rest []string) {
	if len(rest) == 0 {
		rest = []string{"*"}
	}
	m.descend(directory, rest)
	for _, entry := range m.list(directory) {
		if entry.IsDir() { // not a link to one: links make cycles
			m.descendAnywhere(path.Join(directory, entry.Name()), rest)
		}
	}
}

func (m *matcher) arrive(name string, rest []string) {
	if len(rest) > 0 {
		m.descend(name, rest)
		return
	}
	info, err := m.root.Lstat(name)
	if err == nil && !info.IsDir() {
		m.found[name] = true
	}
}

// list reads a directory in portions, so that an endless one costs no more than the limit.
func (m *matcher) list(directory string) []fs.DirEntry {
	file, err := m.root.Open(directory)
	if err != nil {
		return nil
	}
	defer file.Close()
	var all []fs.DirEntry
	for m.visited < maxVisited {
		some, err := file.ReadDir(1000)
		m.visited += len(some)
		all = append(all, some...)
		if err != nil {
			break
		}
	}
	return all
}
