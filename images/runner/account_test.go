package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestTheUserHasTheNameThatTheImageGivesItsId(t *testing.T) {
	passwd := "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n../x:x:1001:0::/:\nbroken\n"
	for id, want := range map[int]string{1000: "node", 1001: "", 100: "", 0: "root"} {
		if got := nameIn(passwd, id); got != want {
			t.Errorf("%d: got %q, want %q", id, got, want)
		}
	}
}

func TestAUserWithoutAnEntryGetsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	for text, want := range map[string]string{
		"":                        "tester:x:1000:1000::/home/tester:/bin/sh\n",
		"root:x:0:0::/root:":      "root:x:0:0::/root:\ntester:x:1000:1000::/home/tester:/bin/sh\n",
		"me:x:1000:1000::/me:\n":  "me:x:1000:1000::/me:\n",
		"me:x:10000:1000::/me:\n": "me:x:10000:1000::/me:\ntester:x:1000:1000::/home/tester:/bin/sh\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		name, err := (&account{id: 1000}).register(path)
		got, _ := os.ReadFile(path)
		if err != nil || string(got) != want || nameIn(want, 1000) != name {
			t.Errorf("%q: got %q and %q, %v", text, got, name, err)
		}
	}
}

func TestAnImageWithoutUsersStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	if name, err := (&account{id: 7}).register(path); name != "tester" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestAUserListThatIsALinkIsNotWrittenTo(t *testing.T) {
	folder := t.TempDir()
	link, other := filepath.Join(folder, "passwd"), filepath.Join(folder, "other")
	if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Symlink(other, link)); err != nil {
		t.Fatal(err)
	}
	name, err := (&account{id: 7}).register(link)
	if text, _ := os.ReadFile(other); name != "tester" || err != nil || len(text) != 0 {
		t.Errorf("got %q, %q, %v", name, text, err)
	}
}

func TestTheEnvironmentOfAnOrdinaryUserIsThatOfALogin(t *testing.T) {
	before := []string{"PATH=/bin", "HOME=/root", "HOMEPAGE=x", "USER=root"}
	user := &account{id: 7, name: "tester", home: "/home/tester"}
	want := []string{"HOME=/home/tester", "USER=tester", "LOGNAME=tester", "PATH=/bin", "HOMEPAGE=x"}
	if got := user.environment(before); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	var root *account
	if got := root.environment(before); !reflect.DeepEqual(got, before) {
		t.Errorf("got %v", got)
	}
}
