package main

import (
	"reflect"
	"testing"
	"time"
)

func TestTheEnvironmentOfALaterClockKeepsWhatIsLoaded(t *testing.T) {
	before := []string{"LD_PRELOAD=/lib/malloc.so", "FAKETIME=-1d", "FAKETIME_NO_CACHE=1", "A=b"}
	got := clockEnvironment(before, "/x/libfaketime.so.1")
	want := []string{
		"LD_PRELOAD=/x/libfaketime.so.1:/lib/malloc.so", "A=b", "FAKETIME=+365d", "FAKETIME_DONT_FAKE_MONOTONIC=1",
	}
	if !reflect.DeepEqual(got, want) || before[1] != "FAKETIME=-1d" {
		t.Errorf("got %q", got)
	}
}

func TestWithoutALaterClockTheEnvironmentStays(t *testing.T) {
	before := []string{"LD_PRELOAD=/lib/malloc.so", "FAKETIME=-1d"}
	if got, later := withLaterClock(before, Spec{}, nil); later || !reflect.DeepEqual(got, before) {
		t.Errorf("got %q, %v", got, later)
	}
}

func TestALibraryThatIsMissingChangesNothing(t *testing.T) {
	before := []string{"PATH=/usr/bin:/bin"}
	got, later := withLaterClock(before, Spec{LaterClock: true}, nil)
	if later || !reflect.DeepEqual(got, before) {
		t.Errorf("got %q, %v", got, later)
	}
}

func TestTheTimeOfTheProgramsIsRead(t *testing.T) {
	ahead, ok := shownTime([]string{"PATH=/usr/bin:/bin"}, nil)
	if !ok || ahead.Abs() > time.Minute {
		t.Errorf("got %s, %v", ahead, ok)
	}
}

func TestATimeThatCannotBeReadIsNone(t *testing.T) {
	if ahead, ok := shownTime([]string{"PATH=/nowhere"}, nil); ok {
		t.Errorf("got %s", ahead)
	}
}
