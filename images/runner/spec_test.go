package main

import (
	"reflect"
	"strings"
	"testing"
)

const minimal = `{"v":1,"nonce":"0123abcd","stage":"before","command":"pytest","workdir":"/testbed","timeoutSeconds":60`

func TestOrderTakesDefaults(t *testing.T) {
	got, err := specFrom(minimal + "}")
	want := Spec{
		V: 1, Nonce: "0123abcd", Stage: "before", Command: "pytest", Workdir: "/testbed", TimeoutSeconds: 60,
		OutputBytes: 1 << 20, ReportBytes: 64 << 20, ReportLogBytes: 6 << 20, TerminationLog: "/dev/termination-log",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOrderWithALaterClock(t *testing.T) {
	if got, err := specFrom(minimal + `,"laterClock":true}`); err != nil || !got.LaterClock {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOrderNamesTheFaultyField(t *testing.T) {
	for _, c := range []struct{ text, names string }{
		{"", "not set"},
		{"{", "unexpected EOF"},
		{minimal + "} {}", "something follows"},
		{minimal + `,"timeout":3}`, `"timeout"`},
		{strings.Replace(minimal, `"v":1`, `"v":2`, 1) + "}", "v is 2"},
		{strings.Replace(minimal, "0123abcd", "a b", 1) + "}", "nonce"},
		{strings.Replace(minimal, "before", "Before!", 1) + "}", "stage"},
		{strings.Replace(minimal, "pytest", " ", 1) + "}", "command"},
		{strings.Replace(minimal, "/testbed", "testbed", 1) + "}", "workdir"},
		{strings.Replace(minimal, ":60", ":0", 1) + "}", "timeoutSeconds"},
		{minimal + `,"outputBytes":99999999}`, "outputBytes"},
		{minimal + `,"outputBytes":-1}`, "outputBytes"},
		{minimal + `,"reportBytes":99999999}`, "reportBytes"},
		{minimal + `,"terminationLog":"here"}`, "terminationLog"},
		{minimal + `,"reports":["/etc/*.xml"]}`, "relative"},
		{minimal + `,"reports":["a/../../b.xml"]}`, ".."},
		{minimal + `,"reports":["[.xml"]}`, "no valid pattern"},
		{minimal + `,"reports":[""]}`, "empty"},
		{minimal + `,"errorExitCodes":[0]}`, "errorExitCodes"},
		{minimal + `,"runAsUser":-1}`, "runAsUser"},
		{minimal + `,"runAsUser":65534}`, "runAsUser"},
		{minimal + `,"cpus":-1}`, "cpus"},
		{minimal + `,"shuffleSeed":-1}`, "shuffleSeed"},
		{minimal + `,"canary":["kubernetes.default:443"]}`, "canary"},
	} {
		if _, err := specFrom(c.text); err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: got %v, want a word of %q", c.text, err, c.names)
		}
	}
}
