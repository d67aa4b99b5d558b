"""Every ending that a build may have, read from output that buildah really printed (capture.py made it)."""

from pathlib import Path

import pytest

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.build.failure_classifier import (
    SIGNALS,
    BuildFacts,
    BuildOutcome,
    classify_build,
    classify_push,
)

CAPTURED = Path(__file__).parent / "captured"
REGISTRY = frozenset({"registry.lab:5000"})


def captured(name: str) -> tuple[int, str]:
    first, _, log = (CAPTURED / f"{name}.log").read_text().partition("\n")
    return int(first.removeprefix("exit ")), log


def outcome(name: str, facts: BuildFacts | None = None) -> BuildOutcome:
    return classify_build(*captured(name), facts or BuildFacts())


def push_outcome(name: str) -> BuildOutcome:
    return classify_push(*captured(name), BuildFacts())


CODES = {
    "good": ExitCode.OK,
    "built": ExitCode.OK,
    "run-exit-3": ExitCode.STEP_FAILED,
    "run-exit-125": ExitCode.STEP_FAILED,
    "run-exit-127": ExitCode.STEP_FAILED,
    "run-exit-137": ExitCode.STEP_FAILED,
    "run-killed": ExitCode.STEP_FAILED,
    "run-segfault": ExitCode.STEP_FAILED,
    "run-exec-form-missing": ExitCode.STEP_FAILED,
    "run-heredoc": ExitCode.STEP_FAILED,
    "run-continued": ExitCode.STEP_FAILED,
    "run-forged-words": ExitCode.STEP_FAILED,
    "run-multi-stage": ExitCode.STEP_FAILED,
    "copy-missing": ExitCode.DOCKERFILE_INVALID,
    "copy-outside": ExitCode.DOCKERFILE_INVALID,
    "copy-no-arguments": ExitCode.DOCKERFILE_INVALID,
    "copy-bad-flag": ExitCode.DOCKERFILE_INVALID,
    "copy-from-missing": ExitCode.BASE_IMAGE_MISSING,
    "unknown-instruction": ExitCode.DOCKERFILE_INVALID,
    "no-from": ExitCode.DOCKERFILE_INVALID,
    "empty": ExitCode.DOCKERFILE_INVALID,
    "from-empty": ExitCode.DOCKERFILE_INVALID,
    "from-unset": ExitCode.DOCKERFILE_INVALID,
    "from-upper-case": ExitCode.DOCKERFILE_INVALID,
    "from-malformed": ExitCode.DOCKERFILE_INVALID,
    "env-malformed": ExitCode.DOCKERFILE_INVALID,
    "heredoc-open": ExitCode.DOCKERFILE_INVALID,
    "mount-unknown": ExitCode.DOCKERFILE_INVALID,
    "user-missing": ExitCode.DOCKERFILE_INVALID,
    "base-tag-missing": ExitCode.BASE_IMAGE_MISSING,
    "base-repository-missing": ExitCode.BASE_IMAGE_MISSING,
    "base-digest-missing": ExitCode.BASE_IMAGE_MISSING,
    "base-host-unknown": ExitCode.BASE_IMAGE_MISSING,
    "base-registry-down": ExitCode.INFRASTRUCTURE,
    "cache-down": ExitCode.INFRASTRUCTURE,
    "disk-full-pull": ExitCode.DISK_FULL,
    "disk-full-step": ExitCode.DISK_FULL,
    "disk-full-commit": ExitCode.DISK_FULL,
}
BY_CIRCUMSTANCES = {"time-limit", "push-good", "push-registry-down"}


@pytest.mark.parametrize("name", sorted(CODES))
def test_captured_output_has_its_code(name: str) -> None:
    assert outcome(name).code == CODES[name]


def test_every_capture_has_an_expectation() -> None:
    assert {path.stem for path in CAPTURED.iterdir()} == set(CODES) | BY_CIRCUMSTANCES


def test_a_failed_step_is_told_with_its_code_and_its_last_lines() -> None:
    step = 'RUN echo working; echo "boom on stderr" >&2; exit 3'
    assert outcome("run-exit-3") == BuildOutcome(
        ExitCode.STEP_FAILED,
        message=f"`{step}` failed with exit code 3.",
        step=step,
        step_exit_code=3,
        tail="working\nboom on stderr",
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("run-exit-125", 125),
        ("run-exit-127", 127),
        ("run-exit-137", 137),
        ("run-killed", 137),
        ("run-segfault", 139),
        ("run-exec-form-missing", 1),
        ("run-forged-words", 7),
        ("run-multi-stage", 6),
    ],
)
def test_the_step_s_own_exit_code_is_kept_even_where_buildah_s_collides(name: str, code: int) -> None:
    assert outcome(name).step_exit_code == code


def test_a_signal_is_named() -> None:
    assert outcome("run-killed").message == "`RUN echo before; kill -9 $$` was ended by a signal (killed)."


def test_a_heredoc_is_told_by_its_first_line() -> None:
    assert outcome("run-heredoc").step == "RUN <<EOF (set -e...)"


def test_continued_lines_and_quotes_do_not_confuse_the_step() -> None:
    assert outcome("run-continued").step == r'RUN echo a  && echo "quoted: \\ x":  && exit 4'


def test_words_that_a_step_prints_do_not_decide() -> None:
    result = outcome("run-forged-words")
    assert (result.code, result.step) == (
        ExitCode.STEP_FAILED,
        'RUN echo "Error: no FROM statement found"; echo "STEP 9/9: COPY a b"; exit 7',
    )


def test_a_time_limit_wins_over_what_stopping_looks_like() -> None:
    result = outcome("time-limit", BuildFacts(seconds_allowed=2))
    assert (result.code, result.message, result.step) == (
        ExitCode.BUILD_TIME_LIMIT,
        "The build took more than 2 s and was stopped.",
        "RUN echo patience; sleep 60",
    )


def test_memory_is_named_when_the_kernel_counted_kills() -> None:
    result = outcome("run-killed", BuildFacts(oom_kills=2))
    assert result.oom_kills == 2
    assert result.message.endswith("after 2 process(es) were killed because memory ran out.")


def test_a_build_that_succeeded_in_spite_of_kills_is_good() -> None:
    assert outcome("good", BuildFacts(oom_kills=1)) == BuildOutcome(ExitCode.OK)


def test_a_killed_buildah_is_not_the_dockerfile_s_fault() -> None:
    _, log = captured("run-exit-3")
    assert classify_build(-9, log, BuildFacts()).code == ExitCode.INFRASTRUCTURE


@pytest.mark.parametrize(
    "words", ["lookup registry.lab: no such host", "server gave HTTP response to HTTPS client"]
)
def test_a_registry_that_the_operator_chose_wrongly_is_not_the_dockerfile_s_fault(words: str) -> None:
    error = f"Error: creating build container: initializing source docker://x: pinging container registry {{}}: {words}"
    own = BuildFacts(own_hosts=REGISTRY)
    assert classify_build(125, error.format("registry.lab:5000"), own).code == ExitCode.INFRASTRUCTURE
    assert classify_build(125, error.format("other.example"), own).code == ExitCode.BASE_IMAGE_MISSING


@pytest.mark.parametrize(
    "words",
    [
        "received unexpected HTTP status: 503 Service Unavailable",
        "toomanyrequests: rate limit",
        "i/o timeout",
    ],
)
def test_a_busy_registry_is_not_a_missing_base(words: str) -> None:
    error = f"Error: creating build container: initializing source docker://x/y:1: reading manifest 1 in x/y: {words}"
    assert classify_build(125, error, BuildFacts()).code == ExitCode.INFRASTRUCTURE


def test_unknown_words_count_against_nobody() -> None:
    assert classify_build(125, "Error: the moon is full", BuildFacts()) == BuildOutcome(
        ExitCode.INFRASTRUCTURE, "buildah ended with 125: the moon is full"
    )


STEP_ENDED = 'subprocess exited with status 1\nError: building at STEP "RUN make": exit status 1'


def test_a_step_that_buildah_could_not_start_is_not_the_dockerfile_s_fault() -> None:
    refused = "Close_Fd sealing memfd copy: Device or resource busy"
    log = f"STEP 2/2: RUN make\n{refused}\n{STEP_ENDED}"
    assert classify_build(1, log, BuildFacts()) == BuildOutcome(
        ExitCode.INFRASTRUCTURE,
        message=f"buildah could not start a step: {refused}",
        step="RUN make",
        tail=refused,
    )


def test_a_step_that_printed_something_else_had_been_started() -> None:
    log = f"STEP 2/2: RUN make\nworking\nClose_Fd sealing memfd copy: Device or resource busy\n{STEP_ENDED}"
    assert classify_build(1, log, BuildFacts()).code == ExitCode.STEP_FAILED


def test_go_values_are_left_out_of_messages() -> None:
    assert outcome("unknown-instruction").message == (
        'The Dockerfile is not valid: building at STEP "RUNN ": Build error: Unknown instruction: "RUNN"'
    )


def test_pushing_has_its_own_endings() -> None:
    assert push_outcome("push-good") == BuildOutcome(ExitCode.OK)
    down = push_outcome("push-registry-down")
    assert down.code == ExitCode.PUSH_FAILED
    assert down.message.startswith("The image was built but not pushed: pushing image")
    assert down.message.endswith("connection refused")


def test_signal_numbers_are_the_kernel_s() -> None:
    assert (SIGNALS["killed"], SIGNALS["segmentation fault"], SIGNALS["terminated"]) == (9, 11, 15)
