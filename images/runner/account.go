package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// The user that the command runs as, where the spec names one. Everything here happens before code under test runs.

const (
	passwdFile  = "/etc/passwd"
	homes       = "/home"
	defaultUser = "tester"
	maxUser     = 65533 // the last ids of a user namespace mean nobody
	maxPasswd   = 1 << 20
)

var userShape = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// account is nil for root.
type account struct {
	id         int
	name, home string
}

// newAccount gives the user what a login would: an entry in passwd, a home, and the workdir. Layers of an image
// belong to root, those of a stage too, so the workdir is handed over here and not in the image.
func newAccount(spec Spec) (*account, error) {
	if spec.RunAsUser == 0 {
		return nil, nil
	}
	a := &account{id: spec.RunAsUser}
	var err error
	if a.name, err = a.register(passwdFile); err == nil {
		a.home = filepath.Join(homes, a.name)
		err = errors.Join(os.MkdirAll(a.home, 0o755), os.Lchown(a.home, a.id, a.id), a.own(spec.Workdir))
	}
	if err != nil {
		return nil, fmt.Errorf("preparing user %d: %w", a.id, err)
	}
	return a, nil
}

// register returns the name of the user. Programs such as git and initdb refuse one without an entry; an image that
// has no list of users, or a link in its place, goes without.
func (a *account) register(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return defaultUser, nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return defaultUser, nil
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPasswd))
	if err != nil {
		return "", err
	}
	if name := nameIn(string(text), a.id); name != "" {
		return name, nil
	}
	entry := fmt.Sprintf("%s:x:%d:%d::%s/%s:/bin/sh\n", defaultUser, a.id, a.id, homes, defaultUser)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		entry = "\n" + entry
	}
	_, err = file.WriteString(entry)
	return defaultUser, err
}

// nameIn is the name with an id in the text of passwd, if it can be a folder's.
func nameIn(passwd string, id int) string {
	for line := range strings.SplitSeq(passwd, "\n") {
		fields := strings.Split(line, ":")
		if len(fields) > 2 && fields[2] == strconv.Itoa(id) && userShape.MatchString(fields[0]) {
			return fields[0]
		}
	}
	return ""
}

// own hands a tree over, and follows no link.
func (a *account) own(tree string) error {
	return filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, a.id, a.id)
	})
}

// credential leaves no supplementary group; the kernel takes every capability from a process that leaves root.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.id), Gid: uint32(a.id)}
}

// environment is that of a login.
func (a *account) environment(before []string) []string {
	if a == nil {
		return before
	}
	after := []string{"HOME=" + a.home, "USER=" + a.name, "LOGNAME=" + a.name}
	for _, variable := range before {
		if name, _, _ := strings.Cut(variable, "="); name != "HOME" && name != "USER" && name != "LOGNAME" {
			after = append(after, variable)
		}
	}
	return after
}

// share lets the command open its own output by name (/dev/stdout), which the kernel checks like any file.
func (a *account) share(pipe *os.File) error {
	if a == nil {
		return nil
	}
	return pipe.Chown(a.id, a.id)
}
