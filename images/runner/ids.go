package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Test ids: pytest node ids for Python, else class and name. swefoundry.grading.testcase_ids makes the same ones; the
// reasons for each rule are there.

// maxID is in characters; a longer id is cut and ends with a hash of the whole.
const maxID = 16384

// testID has two forms. The stable one lacks what changes from run to run; the raw one stands where two raw ids of a run
// have the same stable one.
type testID struct{ raw, stable string }

var (
	objectAddress  = regexp.MustCompile(`\bat 0x[0-9a-fA-F]{7,16}\b`)
	durationSuffix = regexp.MustCompile(
		`(?:[ ]+(?:in[ ]+|# time=|\[|\()[ ]*[0-9]+(?:\.[0-9]+)?[ ]*(?:ms|s|sec|secs|seconds|µs|us)[ ]*[\])]?)+$`)
	whiteSpace = regexp.MustCompile(`[\t\r\n]+`)

	// parts of a dotted name that look like a Python test module
	moduleName   = regexp.MustCompile(`^(?:test_.*|.*_tests?|tests?|conftest)$`)
	textDoctest  = regexp.MustCompile(`^[^/]+\.(?:txt|rst|md)$`)
	dottedModule = regexp.MustCompile(`(?:^|\.)(?:test_[\p{L}\p{N}_]*|[\p{L}\p{N}_]*_tests?)(?:\.|$)`)
	dottedName   = regexp.MustCompile(`^[\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_]*)*$`)
)

func stableName(name string) string {
	name = strings.Trim(whiteSpace.ReplaceAllString(name, " "), " ")
	return objectAddress.ReplaceAllString(name, "at 0x0")
}

func withoutDuration(name string) string { return durationSuffix.ReplaceAllString(name, "") }

func cut(id string) string {
	if len(id) <= maxID || utf8.RuneCountInString(id) <= maxID {
		return id
	}
	digest := sha256.Sum256([]byte(id))
	return fmt.Sprintf("%s…#%s", string([]rune(id)[:maxID-20]), hex.EncodeToString(digest[:8]))
}

func plainID(name string) testID {
	name = cleaned(name)
	return testID{cut(name), cut(stableName(name))}
}

// caseID is the id of a JUnit test case.
func caseID(class, name, file string, pytest bool) testID {
	class, name, file = cleaned(class), cleaned(name), relativePath(strings.Trim(file, " "))
	if !strings.HasSuffix(file, ".py") && !pytest {
		stable := joined(stableName(class), withoutDuration(stableName(name)))
		return testID{cut(joined(class, name)), cut(stable)}
	}
	prefix, stable := strings.Join(nodePath(class, name, file, pytest), "::"), name
	if !pytest {
		stable = stableName(name)
	}
	return testID{cut(prefix + "::" + name), cut(prefix + "::" + stable)}
}

func joined(class, name string) string {
	if class == "" || name == "" {
		return class + name
	}
	return class + "::" + name
}

// moduleID is the id of a module that could not be collected. pytest names it as a dotted name.
func moduleID(dotted, file string) testID {
	path := relativePath(cleaned(dotted))
	switch file = relativePath(strings.Trim(file, " ")); {
	case strings.HasSuffix(file, ".py"):
		path = file
	case !strings.Contains(dotted, "/"):
		path = strings.ReplaceAll(path, ".", "/") + ".py"
	}
	return testID{cut(path), cut(path)}
}

func relativePath(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	for _, prefix := range []string{"/testbed/", "./"} {
		if rest, found := strings.CutPrefix(path, prefix); found {
			return rest
		}
	}
	return path
}

// nodePath is the file and the classes of a Python test.
func nodePath(class, name, file string, pytest bool) []string {
	python := strings.HasSuffix(file, ".py")
	if python && class == "" {
		return []string{file}
	}
	if classes, known := classesBelow(class, file); python && known {
		return append([]string{file}, classes...)
	}
	if python && !pytest && !dottedModule.MatchString(class) {
		return append([]string{file}, strings.Split(class, ".")...)
	}
	if folder, doctest := strings.CutSuffix(class, name); doctest && textDoctest.MatchString(name) {
		return []string{strings.ReplaceAll(folder, ".", "/") + name}
	}
	parts := strings.Split(class, ".")
	length := moduleLength(parts)
	return append([]string{strings.Join(parts[:length], "/") + ".py"}, parts[length:]...)
}

// classesBelow is what follows the module of this file in a dotted name, which may leave out folders of the file's path.
func classesBelow(class, file string) (classes []string, known bool) {
	module := strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", ".")
	for {
		if rest, found := strings.CutPrefix(class, module); found && (rest == "" || rest[0] == '.') {
			if rest == "" {
				return nil, true
			}
			return strings.Split(rest[1:], "."), true
		}
		_, shorter, more := strings.Cut(module, ".")
		if !more {
			return nil, false
		}
		module = shorter
	}
}

// moduleLength is how many parts are the module: the last of the first parts in a row that look like test_x, else
// everything before the first capital.
func moduleLength(parts []string) int {
	for at, part := range parts {
		last := at+1 == len(parts) || !moduleName.MatchString(parts[at+1])
		if moduleName.MatchString(part) && part != "test" && part != "tests" && last {
			return at + 1
		}
	}
	for at, part := range parts {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(part, "_"))
		if unicode.IsUpper(first) {
			return max(at, 1)
		}
	}
	return len(parts)
}
