"""The recipe for Go."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.go.go_project import read_project
from swefoundry.drafts.recipes.go.go_test_command import commands_that_require
from unit.drafts.recipe_inputs import all_rounds, ended, proposed

BASES = ["golang:1.26", "golang:1.20", "golang:1.16"]
GO_MOD = "module example.com/thing\n\ngo 1.15\n"


def an_input(
    manifests: dict[str, str] | None = None,
    *,
    created: str | None = "2021-07-02",
    bases: list[str] | None = None,
    **more: object,
) -> StrategyInput:
    files = {"go.mod": GO_MOD} if manifests is None else manifests
    fields: dict[str, object] = {"languages": {"go": 9}, "test_files": ["thing_test.go", "doc/man_test.go"]}
    listed = [FileFact(path=path, sha256="0" * 64, text=text) for path, text in files.items()]
    return StrategyInput(
        facts=Facts(manifests=listed, **(fields | more)),
        created_at=datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None,
        base_images={"go": BASES if bases is None else bases},
    )


def labels(inputs: StrategyInput) -> list[str]:
    """Return the labels of all rounds, where none teaches anything."""
    return [each.label for each in all_rounds(inputs, RoundOutcome.STEP_FAILED, [""]).past_rounds]


def test_dependencies_come_at_build_time_and_the_tests_have_no_proxy() -> None:
    dockerfile = proposed(an_input()).draft.dockerfile
    assert dockerfile == (
        "FROM golang:1.16\n"
        'ENV GOENV=off GOTOOLCHAIN=local GOPATH=/go GOCACHE=/go/cache GOFLAGS="-mod=mod"\n'
        "COPY . /testbed\n"
        "WORKDIR /testbed\n"
        "RUN go mod download\n"
        "RUN { go build ./...; go test -vet=off -run '^$' ./... > /dev/null; chmod -R a+rwX /go/cache; }\n"
        "ENV GOPROXY=off GOSUMDB=off\n"
    )
    assert violations(dockerfile, []) == []


def test_modules_that_the_fix_requires_are_downloaded_too() -> None:
    old = "module m\n\ngo 1.15\n\nrequire example.com/a v1.0.0\n"
    new = """module m

go 1.16

require (
    example.com/a v1.1.0 // indirect
    example.com/b/v2 v2.0.0+incompatible
    example.com/local v0.0.0
    example.com/c v0.0.0-20200101000000-abcdefabcdef; true
)
replace example.com/local => ../local
replace example.com/b/v2 v2.0.0+incompatible => example.com/fork v1.0.0
"""
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text=new)]
    assert (
        "RUN go mod download\n"
        "RUN mkdir /tmp/fixed && cd /tmp/fixed && printf '%s\\n' 'module fixed' \\\n"
        "  'go 1.16' \\\n"
        "  'require example.com/a v1.1.0' \\\n"
        "  'require example.com/b/v2 v2.0.0+incompatible' \\\n"
        "  'replace example.com/b/v2 v2.0.0+incompatible => example.com/fork v1.0.0' > go.mod \\\n"
        " && GOFLAGS= GOSUMDB=off go mod download && rm -r /tmp/fixed\n"
    ) in proposed(an_input({"go.mod": old}, fixed_manifests=fixed)).draft.dockerfile
    vendored = {"go.mod": old, "vendor/modules.txt": "# example.com/a v1.0.0\n"}
    for manifests in ({"go.mod": new}, vendored):
        assert "/tmp/fixed" not in proposed(an_input(manifests, fixed_manifests=fixed)).draft.dockerfile


def test_a_fix_that_raises_the_release_of_go_is_tested_with_that() -> None:
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text="module m\n\ngo 1.20\n")]
    assert labels(an_input(fixed_manifests=fixed)) == ["go 1.26", "go 1.20"]


def test_the_newest_release_of_the_time_is_first_then_the_newest_then_the_others() -> None:
    assert labels(an_input()) == ["go 1.16", "go 1.26", "go 1.20"]
    assert labels(an_input(created=None)) == ["go 1.26", "go 1.20", "go 1.16"]


def test_where_no_image_is_of_the_time_the_newest_fetches_the_release_of_the_time_for_the_second_try() -> (
    None
):
    inputs = an_input(
        bases=["golang:1.26", "golang:1.20"], created="2019-01-03", manifests={"go.mod": "module m\n"}
    )
    assert labels(inputs) == ["go 1.26", "go 1.11, downloaded", "go 1.20"]
    second = proposed(ended(inputs, RoundOutcome.STEP_FAILED, "")).draft.dockerfile
    assert second.startswith(
        "FROM golang:1.26\n"
        'ENV GOENV=off GOTOOLCHAIN=local GOPATH=/go GOCACHE=/go/cache GOFLAGS=""\n'
        'RUN root=$(GOTOOLCHAIN=go1.11.13 go env GOROOT) && ln -s "$root" /opt/go\n'
        "ENV PATH=/opt/go/bin:$PATH\n"
        "COPY . /testbed\n"
    )
    assert violations(second, []) == []


@pytest.mark.parametrize(
    ("created", "line", "bases"),
    [
        (None, "", ["golang:1.26"]),
        ("2018-01-02", "", ["golang:1.26"]),
        ("2019-01-03", "go 1.13", ["golang:1.26"]),
        ("2019-01-03", "", ["golang:1.20"]),
        ("2023-03-01", "", ["golang:1.26", "golang:1.20"]),
    ],
)
def test_no_release_is_fetched_without_a_day_or_a_release_of_it_that_fits_or_an_image_that_can_or_must(
    created: str | None, line: str, bases: list[str]
) -> None:
    inputs = an_input({"go.mod": f"module m\n\n{line}\n"}, created=created, bases=bases)
    assert not any("downloaded" in label for label in labels(inputs))


@pytest.mark.parametrize("line", ["go 1.20", "go 1.20.3", "go 1.13\n\ntoolchain go1.20.1"])
def test_releases_older_than_the_module_asks_for_are_not_tried(line: str) -> None:
    assert labels(an_input({"go.mod": f"module m\n\n{line}\n"})) == ["go 1.26", "go 1.20"]


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("go: go.mod requires go >= 1.22.0 (running go 1.16.15; GOTOOLCHAIN=local)", "go 1.26"),
        ("note: module requires Go 1.18", "go 1.26"),
        ("a.go:4:2: package slices is not in GOROOT (/usr/local/go/src/slices)", "go 1.26"),
        ("go.mod:5: unknown directive: toolchain", "go 1.26"),
        ('exec: "gcc": executable file not found in $PATH', "go 1.16, with gcc, libc6-dev"),
    ],
)  # fmt: skip
def test_a_failure_becomes_a_constraint_of_the_next_draft(message: str, label: str) -> None:
    for outcome in (RoundOutcome.STEP_FAILED, RoundOutcome.NO_RESULT):
        assert proposed(ended(an_input(), outcome, message)).label == label


def test_an_old_system_library_asks_for_an_older_compiler() -> None:
    inputs = an_input({"go.mod": "module m\n"}, bases=["golang:1.20", "golang:1.16"], created="2024-01-01")
    refused = "unix.go:28:3: //go:linkname must refer to declared function or variable"
    assert proposed(inputs).label == "go 1.20"
    assert proposed(ended(inputs, RoundOutcome.NO_RESULT, refused)).label == "go 1.16"


def test_a_source_of_random_numbers_that_fails_needs_go_of_before_1_24() -> None:
    log = "fatal error: crypto/rand: failed to read random data (see https://go.dev/issue/66821): unexpected EOF"
    inputs = an_input({"go.mod": "module m\n"}, created="2026-07-01", bases=["golang:1.22", "golang:1.25"])
    assert proposed(inputs).label == "go 1.25"
    assert proposed(ended(inputs, RoundOutcome.AFTER_FAILED, log)).label == "go 1.22"


@pytest.mark.parametrize(
    "line",
    [
        "go: inconsistent vendoring in /testbed:",
        "csrf.go:11:2: cannot find module providing package example.org/cookie: import lookup disabled by -mod=vendor",
    ],
    ids=["does not agree with the module", "lacks a package"],
)
def test_a_vendor_folder_is_used_until_it_does_not_fit(line: str) -> None:
    inputs = an_input({"go.mod": GO_MOD, "vendor/modules.txt": "# m v1.0.0\n"})
    first = proposed(inputs)
    assert (first.label, "go mod download" in first.draft.dockerfile, "-mod" in first.draft.dockerfile) == (
        "go 1.16, vendored dependencies", False, False,
    )  # fmt: skip
    second = proposed(ended(inputs, RoundOutcome.NO_RESULT, line))
    assert (second.label, "RUN go mod download" in second.draft.dockerfile) == (
        "go 1.16, downloaded dependencies",
        True,
    )


def test_a_workspace_has_no_flag_for_modules() -> None:
    inputs = an_input({"go.mod": GO_MOD}, root_entries=["go.mod", "go.work"], bases=["golang:1.20"])
    assert 'GOFLAGS="-buildvcs=false"' in proposed(inputs).draft.dockerfile


def test_the_module_of_most_test_files_is_tested_in_its_folder() -> None:
    inputs = an_input(
        {"go.mod": GO_MOD, "tools/go.mod": "module tools\n", "tools/gen/go.mod": "module gen\n"},
        test_files=["a_test.go", "tools/x/x_test.go", "tools/y_test.go"],
    )
    draft = proposed(inputs).draft
    assert "RUN cd tools && go mod download\n" in draft.dockerfile
    files = 'for f in {files}; do case "$f" in tools/gen/*) ;; tools/*_test.go) '
    assert f"; cd /testbed/tools && packages=$({files}" in draft.test_command


def test_packages_of_changed_fixtures_are_tested() -> None:
    fixtures = {"test_files": ["a_test.go"], "test_support_files": ["lint/testdata/x.go", "testdata/y.txt"]}
    assert "$packages /testbed/lint; " in proposed(an_input(**fixtures)).draft.test_command
    assert "$packages ./...; " in proposed(an_input(test_files=[])).draft.test_command


def test_a_source_of_before_modules_gets_a_go_mod_with_dependencies_of_its_day() -> None:
    inputs = an_input({}, bases=["golang:1.20"]).model_copy(update={"repo": "octo/calc"})
    first = proposed(inputs)
    assert first.label == "go 1.20, a go.mod of its own"
    assert (
        "WORKDIR /testbed\n"
        "RUN { go mod init || go mod init $({ grep -rhoiF --include='*.go' github.com/octo/calc ."
        " || echo github.com/octo/calc; } | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'); }"
        " && go mod edit -go=1.16 && go mod tidy -e\n"
        "RUN as_of() { go list -m -versions $1 | tr ' ' '\\n' | tail -n +2 | tac | while read -r v; do \\\n"
        " t=$(go list -m -f '{{.Time.Format \"20060102\"}}' $1@$v) && "
        '[ "$t" -le 20210702 ] && echo "$1@$v" && break; done; } && \\\n'
        " for m in $(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}{{end}}' all); do \\\n"
        ' old=$(as_of "$m"); [ -z "$old" ] || go mod edit -require="$old"; done; go mod tidy -e\n'
        "RUN go mod download\n"
    ) in first.draft.dockerfile
    assert violations(first.draft.dockerfile, []) == []


def test_a_source_of_before_modules_has_the_name_that_its_fix_gives_it() -> None:
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text="module example.org/calc // moved\n\ngo 1.13\n")]
    inputs = an_input({}, fixed_manifests=fixed, created=None).model_copy(update={"repo": "octo/calc"})
    dockerfile = proposed(inputs).draft.dockerfile
    assert (
        "RUN go mod init example.org/calc && go mod edit -go=1.16 && go mod tidy -e\nRUN go mod" in dockerfile
    )


def test_there_is_no_recipe_without_a_module_above_the_tests_or_a_name_for_one() -> None:
    elsewhere = an_input({"tools/go.mod": GO_MOD}).model_copy(update={"repo": "octo/calc"})
    for inputs in (an_input({}), elsewhere):
        assert next_proposal(["recipe"], inputs) is None


def test_a_test_that_wants_to_be_denied_something_is_tried_as_an_ordinary_user() -> None:
    log = "    fish_test.go:62: expected permission denied, got no error\nFAILED m::TestFail\n== 1 failed, 3 passed =="
    tried = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log))
    assert (tried.label, tried.draft.run_as_user) == ("go 1.16, as an ordinary user", 1000)


def test_a_folder_that_is_named_after_a_lack_of_permission_is_one_that_root_may_read() -> None:
    """Of doublestar 4.6.1 on the lab."""
    log = (
        '    doublestar_test.go:576: #156. Glob(`nopermission/file`, opts: nil) = []string{"nopermission/file"} - '
        "should have 0 results, got 1\nFAILED github.com/bmatcuk/doublestar/v4::TestGlob\n== 1 failed, 9 passed =="
    )
    assert proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log)).draft.run_as_user == 1000


def test_tests_that_fail_in_every_release_are_tolerated() -> None:
    log = "FAILED m::TestNetwork\nFAILED m::TestNetwork/dial\n== 2 failed, 30 passed =="
    inputs = ended(ended(an_input(), RoundOutcome.AFTER_FAILED, log), RoundOutcome.AFTER_FAILED, log)
    assert proposed(inputs).draft.tolerated_failures == ["m::TestNetwork", "m::TestNetwork/dial"]


LOOKUP = """\
    canonical_test.go:114: Get "http://www.gorillatoolkit.org/": dial tcp: lookup www.gorillatoolkit.org: i/o timeout
FAILED github.com/gorilla/handlers::TestHeaderWrites
FAIL
FAIL    github.com/gorilla/handlers    30.097s
== 1 failed, 55 passed ==
"""
"""Of gorilla/handlers 1.5.2 on the lab."""


def test_a_test_that_looks_up_a_host_is_tolerated_at_once_because_no_environment_has_a_network() -> None:
    tried = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, LOOKUP))
    assert (tried.label, tried.draft.tolerated_failures) == (
        "go 1.16, tolerates 1 test failing after the fix",
        ["github.com/gorilla/handlers::TestHeaderWrites"],
    )


def test_a_test_that_fails_beside_one_that_looks_up_a_host_is_tried_in_another_environment() -> None:
    two = LOOKUP.replace("FAIL\n", "FAILED m::TestOther\nFAIL\n", 1).replace("1 failed", "2 failed")
    assert proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, two)).label == "go 1.26"
    subtest = LOOKUP.replace("FAIL\n", "FAILED github.com/gorilla/handlers::TestHeaderWrites/a\nFAIL\n", 1)
    tried = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, subtest.replace("1 failed", "2 failed")))
    assert len(tried.draft.tolerated_failures) == 2


def test_what_only_the_fix_requires_itself_is_required_before_it_too() -> None:
    old = "module m\n\nrequire example.com/a v1.0.0\n"
    new = """module m

require (
    example.com/a v1.1.0
    example.com/b v1.2.0
    example.com/c v1.0.0 // indirect
    example.com/local v0.0.0
)
replace example.com/local => ./local
"""
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text=new)]
    draft = proposed(an_input({"go.mod": old}, fixed_manifests=fixed)).draft
    assert (
        "RUN cp go.mod /tmp/go.mod && { grep -q 'example\\.com/b[[:space:]]' go.mod"
        " || go mod edit -require=example.com/b@v1.2.0; } && { grep "
    ) in draft.dockerfile
    assert " && GOSUMDB=off go mod download && mv /tmp/go.mod go.mod\n" in draft.dockerfile
    assert violations(draft.dockerfile, []) == []
    assert (
        "cd /testbed && { grep -q 'example\\.com/b[[:space:]]' go.mod"
        " || go mod edit -require=example.com/b@v1.2.0; } && { grep -rqE"
    ) in draft.test_command
    assert draft.test_command.count("-require=") == 2


GO_TOML = """module github.com/pelletier/go-toml/v2

go 1.16

require github.com/stretchr/testify v1.8.0
"""
"""The go.mod of go-toml 2.0.5; that of 2.0.6 requires testify 1.8.1."""


@pytest.mark.parametrize(
    ("sources", "required"),
    [
        ({"a_test.go": '"github.com/stretchr/testify/assert"'}, True),
        ({"a.go": '"github.com/stretchr/testify2"', "testdata/b.go": '"github.com/stretchr/testify"'}, True),
        ({"a.go": 'import "github.com/stretchr/testify"'}, False),
        ({"internal/a.go": '\tassert "github.com/stretchr/testify/assert"'}, False),
    ],
    ids=["tests alone", "no source", "a source", "a part in a source"],
)
def test_another_version_of_what_tests_alone_import_is_required_before_the_fix_too(
    tmp_path: Path, sources: dict[str, str], required: bool
) -> None:
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text=GO_TOML.replace("1.8.0", "1.8.1"))]
    project = read_project(an_input({"go.mod": GO_TOML}, fixed_manifests=fixed))
    assert project is not None
    [command] = commands_that_require(project)
    for path, text in sources.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    done = subprocess.run(
        ["sh", "-c", f'go() {{ echo "$*"; }}; {command}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    edited = "mod edit -require=github.com/stretchr/testify@v1.8.1\n"
    assert (done.stdout, done.stderr) == (edited if required else "", "")


def test_nothing_is_added_to_the_module_where_the_source_has_the_dependencies_or_the_fix_adds_none() -> None:
    fixed = [FileFact(path="go.mod", sha256="0" * 64, text="module m\n\nrequire example.com/b v1.2.0\n")]
    vendored = an_input({"go.mod": GO_MOD, "vendor/modules.txt": "# m v1.0.0\n"}, fixed_manifests=fixed)
    workspace = an_input(root_entries=["go.mod", "go.work"], fixed_manifests=fixed)
    same = an_input({"go.mod": "module m\n\nrequire example.com/b v1.2.0\n"}, fixed_manifests=fixed)
    for inputs in (vendored, workspace, same):
        assert "-require=" not in proposed(inputs).draft.test_command + proposed(inputs).draft.dockerfile
