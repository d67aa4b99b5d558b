"""Why did a build end? Judged from buildah's exit code and last words alone, so that it can be tested with real ones.

buildah exits with the code of the failing RUN step, which may be 125, and with 125 for almost everything else. So the
code says little; the error line says it::

    Error: building at STEP "RUN …": exit status 3                               a step failed
    Error: building at STEP "COPY x /x": checking on sources under …             the Dockerfile is wrong
    Error: creating build container: initializing source … manifest unknown      the base is missing
    Error: creating build container: … pinging container registry … refused      the registry is down
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.build.log_parser import BuildahLog, parse_log

SIGNALS = {
    "hangup": 1,
    "interrupt": 2,
    "illegal instruction": 4,
    "trace/breakpoint trap": 5,
    "aborted": 6,
    "bus error": 7,
    "floating point exception": 8,
    "killed": 9,
    "segmentation fault": 11,
    "broken pipe": 13,
    "terminated": 15,
}
"""buildah prints the name of the signal that ended a step and exits with 1."""


@dataclass(frozen=True)
class BuildFacts:
    """What is known besides exit code and log."""

    seconds_allowed: int | None = None
    """Set when the time limit struck."""
    oom_kills: int = 0
    """Processes of the pod that were killed for memory."""
    own_hosts: frozenset[str] = frozenset()
    """Registries that the operator chose: that they do not answer as registries do is not the Dockerfile's fault."""


@dataclass(frozen=True)
class BuildOutcome:
    """How a build ended."""

    code: ExitCode
    message: str = ""
    step: str | None = None
    step_exit_code: int | None = None
    tail: str = ""
    oom_kills: int = 0


@dataclass(frozen=True)
class BuildEvidence:
    """What the rules look at."""

    exit_code: int
    log: BuildahLog
    facts: BuildFacts

    def outcome(
        self, code: ExitCode, message: str, step: str | None = None, step_exit_code: int | None = None
    ) -> BuildOutcome:
        kills = self.facts.oom_kills
        return BuildOutcome(
            code, message, step or self.log.opened, step_exit_code, "\n".join(self.log.tail), kills
        )


FailureRule = Callable[[BuildEvidence], BuildOutcome | None]


def classify_build(exit_code: int, log_tail: str, facts: BuildFacts) -> BuildOutcome:
    """The ending of `buildah build`. Pure and total."""
    return _first_match(BUILD_RULES, BuildEvidence(exit_code, parse_log(log_tail), facts))


def classify_push(exit_code: int, log_tail: str, facts: BuildFacts) -> BuildOutcome:
    """The ending of `buildah push`: whatever the reason, the build itself was good."""
    return _first_match(PUSH_RULES, BuildEvidence(exit_code, parse_log(log_tail), facts))


def build_succeeded(seen: BuildEvidence) -> BuildOutcome | None:
    if seen.exit_code != 0 or seen.facts.seconds_allowed is not None:
        return None
    return BuildOutcome(ExitCode.OK)


def time_limit_was_reached(seen: BuildEvidence) -> BuildOutcome | None:
    allowed = seen.facts.seconds_allowed
    if allowed is None:
        return None
    return seen.outcome(ExitCode.BUILD_TIME_LIMIT, f"The build took more than {allowed} s and was stopped.")


def buildah_was_killed(seen: BuildEvidence) -> BuildOutcome | None:
    if seen.exit_code >= 0:
        return None
    why = " because memory ran out" if seen.facts.oom_kills else ""
    return seen.outcome(ExitCode.INFRASTRUCTURE, f"buildah was killed by signal {-seen.exit_code}{why}.")


DISK_FULL_PATTERN = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def disk_was_full(seen: BuildEvidence) -> BuildOutcome | None:
    said = [line for line in (seen.log.error, *seen.log.tail) if DISK_FULL_PATTERN.search(line)]
    if not said:
        return None
    return seen.outcome(ExitCode.DISK_FULL, f"The disk was full: {said[-1][-300:]}")


STEP_FAILED_PATTERN = re.compile(
    r'building at STEP "(.*)": (?:while running runtime: )?exit status (\d+)$', re.DOTALL
)


def step_failed(seen: BuildEvidence) -> BuildOutcome | None:
    found = STEP_FAILED_PATTERN.match(seen.log.error)
    if found is None:
        return None
    step, opened = found[1].strip(), seen.log.opened
    if opened is not None and opened.startswith(step):
        step = opened  # of a heredoc the error line holds the first word, the announcement the first line
    signal = _signal(seen.log)
    code = int(found[2]) if signal is None else 128 + SIGNALS.get(signal, 0)
    how = f"failed with exit code {code}" if signal is None else f"was ended by a signal ({signal})"
    kills = seen.facts.oom_kills
    why = f" after {kills} process(es) were killed because memory ran out" if kills else ""
    return seen.outcome(ExitCode.STEP_FAILED, f"`{step[:300]}` {how}{why}.", step, code)


def pod_lacks_a_right(seen: BuildEvidence) -> BuildOutcome | None:
    """buildah cannot work as the pod is set up: the cluster's fault, or ours."""
    if not re.search(
        r"RLIMIT_|CLONE_NEW|uid_map|remount|netavark|overlay.*(?:not permitted|denied)", seen.log.error
    ):
        return None
    return seen.outcome(ExitCode.INFRASTRUCTURE, f"buildah cannot work in this pod: {seen.log.error}")


def cache_was_unreachable(seen: BuildEvidence) -> BuildOutcome | None:
    if "failed pushing cache" not in seen.log.error:
        return None
    return seen.outcome(ExitCode.INFRASTRUCTURE, f"The layer cache could not be written: {seen.log.error}")


IMAGE_PATTERN = re.compile(
    r"initializing source|pinging container registry|reading (?:manifest|blob)|writing blob|unauthorized"
    r"|no stage or image found with that name",
)
UNREACHABLE_PATTERN = re.compile(
    r"connection refused|connection reset|broken pipe|no route to host|network is unreachable|i/o timeout|EOF$"
    r"|deadline exceeded|TLS handshake timeout|server misbehaving|temporary failure|too ?many ?requests"
    r"|status:? (?:code )?(?:429|5\d\d)",
    re.IGNORECASE,
)


def registry_was_unreachable(seen: BuildEvidence) -> BuildOutcome | None:
    error = seen.log.error
    if not IMAGE_PATTERN.search(error):
        return None
    pinged = re.search(r"pinging container registry (\S+): ", error)
    own = pinged is not None and pinged[1] in seen.facts.own_hosts
    if not own and not UNREACHABLE_PATTERN.search(error):
        return None
    return seen.outcome(ExitCode.INFRASTRUCTURE, f"The registry of a base image did not answer: {error}")


def base_is_missing(seen: BuildEvidence) -> BuildOutcome | None:
    """It does not exist, or may not be pulled, or its host does not exist."""
    if not IMAGE_PATTERN.search(seen.log.error):
        return None
    return seen.outcome(ExitCode.BASE_IMAGE_MISSING, f"A base image cannot be pulled: {seen.log.error}")


INVALID_DOCKERFILE_PATTERN = re.compile(
    r"^building at STEP |^parsing main Dockerfile|no FROM statement|no stages to build|^FROM requires"
    r"|parsing reference|invalid reference format|determining starting point|[Dd]ockerfile parse error"
)
INTERNAL_ERROR_PATTERN = re.compile(
    r"^parsing main Dockerfile: \S+: |\s*&imagebuilder\.Step\{.*|copier: get: globs .*\}: "
)
"""Go values and paths that buildah prints into its errors."""


def dockerfile_is_invalid(seen: BuildEvidence) -> BuildOutcome | None:
    if not INVALID_DOCKERFILE_PATTERN.search(seen.log.error):
        return None
    said = INTERNAL_ERROR_PATTERN.sub("", seen.log.error)
    return seen.outcome(ExitCode.DOCKERFILE_INVALID, f"The Dockerfile is not valid: {said}")


def unknown_failures_are_infrastructure(seen: BuildEvidence) -> BuildOutcome | None:
    """What nobody thought of must not count against a draft."""
    return seen.outcome(
        ExitCode.INFRASTRUCTURE, f"buildah ended with {seen.exit_code}: {seen.log.error or 'no error'}"
    )


def push_failed(seen: BuildEvidence) -> BuildOutcome | None:
    allowed = seen.facts.seconds_allowed
    why = (
        seen.log.error or f"exit code {seen.exit_code}"
        if allowed is None
        else f"it took more than {allowed} s"
    )
    return seen.outcome(ExitCode.PUSH_FAILED, f"The image was built but not pushed: {why}")


BUILD_RULES: tuple[FailureRule, ...] = (
    build_succeeded,
    time_limit_was_reached,
    buildah_was_killed,
    disk_was_full,
    step_failed,
    pod_lacks_a_right,
    cache_was_unreachable,
    registry_was_unreachable,
    base_is_missing,
    dockerfile_is_invalid,
    unknown_failures_are_infrastructure,
)
"""The order is the meaning: a full disk makes steps fail, and an unreachable base is not a missing one."""

PUSH_RULES: tuple[FailureRule, ...] = (build_succeeded, disk_was_full, push_failed)


def _first_match(rules: tuple[FailureRule, ...], seen: BuildEvidence) -> BuildOutcome:
    return next(ending for rule in rules if (ending := rule(seen)) is not None)


def _signal(words: BuildahLog) -> str | None:
    """The signal that ended the step, when buildah's closing lines name one."""
    found = re.match(r"subprocess exited on (.+)", words.output[-1]) if words.output else None
    return found[1] if found else None
