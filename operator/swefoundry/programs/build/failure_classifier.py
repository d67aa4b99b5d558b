"""Classify how a build ended, from buildah's exit code and log alone, so that it can be tested with captured logs.

buildah exits with the code of the failing RUN step, which may be 125, and with 125 for almost everything else. So the
error line tells more::

    Error: building at STEP "RUN …": exit status 3                               a step failed, or its network did
    Error: building at STEP "COPY x /x": checking on sources under …             the Dockerfile is wrong
    Error: creating build container: initializing source … manifest unknown      the base is missing
    Error: creating build container: … pinging container registry … refused      the registry is down
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.programs.build.log_parser import BuildahLog, parse_log
from swefoundry.programs.build.outages import WORDS_LIMIT, Outage, OutageOrigin, find_outage, is_retrying

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
    """Registries that the operator chose: a failure of theirs is not the Dockerfile's fault."""
    failing_pages: tuple[str, ...] = ()
    """Pages of an index on which pip found nothing and that fail when they are asked for again."""


@dataclass(frozen=True)
class BuildOutcome:
    """How a build ended."""

    code: ExitCode
    message: str = ""
    step: str | None = None
    step_exit_code: int | None = None
    tail: str = ""
    oom_kills: int = 0
    host: str | None = None
    """host[:port] that did not answer, when its name is known."""


@dataclass(frozen=True)
class BuildEvidence:
    """The input of the rules."""

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
    """The outcome of `buildah build`. Pure and total."""
    return _first_match(BUILD_RULES, BuildEvidence(exit_code, parse_log(log_tail), facts))


def classify_push(exit_code: int, log_tail: str, facts: BuildFacts) -> BuildOutcome:
    """The outcome of `buildah push`: whatever the reason, the build itself was good."""
    return _first_match(PUSH_RULES, BuildEvidence(exit_code, parse_log(log_tail), facts))


def build_succeeded(evidence: BuildEvidence) -> BuildOutcome | None:
    if evidence.exit_code != 0 or evidence.facts.seconds_allowed is not None:
        return None
    return BuildOutcome(ExitCode.OK)


def time_limit_was_reached(evidence: BuildEvidence) -> BuildOutcome | None:
    allowed = evidence.facts.seconds_allowed
    if allowed is None:
        return None
    return evidence.outcome(
        ExitCode.BUILD_TIME_LIMIT, f"The build took more than {allowed} s and was stopped."
    )


def buildah_was_killed(evidence: BuildEvidence) -> BuildOutcome | None:
    if evidence.exit_code >= 0:
        return None
    why = " because memory ran out" if evidence.facts.oom_kills else ""
    return evidence.outcome(
        ExitCode.INFRASTRUCTURE, f"buildah was killed by signal {-evidence.exit_code}{why}."
    )


DISK_FULL_PATTERN = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def disk_was_full(evidence: BuildEvidence) -> BuildOutcome | None:
    matches = [line for line in (evidence.log.error, *evidence.log.tail) if DISK_FULL_PATTERN.search(line)]
    if not matches:
        return None
    return evidence.outcome(ExitCode.DISK_FULL, f"The disk was full: {matches[-1][-300:]}")


STEP_FAILED_PATTERN = re.compile(
    r'building at STEP "(.*)": (?:while running runtime: )?exit status (\d+)$', re.DOTALL
)


OUTAGE_CODES = {
    OutageOrigin.PACKAGE_INDEX: ExitCode.UPSTREAM_UNAVAILABLE,
    OutageOrigin.ADDRESS: ExitCode.ADDRESS_UNREACHABLE,
}


def step_met_an_outage(evidence: BuildEvidence) -> BuildOutcome | None:
    """The network failed, not the step: an index, a mirror, the name service, or an address that the step names."""
    found = STEP_FAILED_PATTERN.match(evidence.log.error)
    if found is None or evidence.facts.oom_kills or _signal(evidence.log) is not None:
        return None
    outage = find_outage(evidence.log.output, evidence.facts.failing_pages)
    return _outage_outcome(evidence, outage, int(found[2])) if outage is not None else None


def outage_lasted_until_the_time_limit(evidence: BuildEvidence) -> BuildOutcome | None:
    """The time ran out while a tool was still waiting for its index."""
    if evidence.facts.seconds_allowed is None or not is_retrying(evidence.log.output):
        return None
    words = next(line for line in reversed(evidence.log.output) if line.strip()).strip()
    return _outage_outcome(evidence, Outage("a tool", OutageOrigin.PACKAGE_INDEX, words[:WORDS_LIMIT]))


def _outage_outcome(
    evidence: BuildEvidence, outage: Outage, step_exit_code: int | None = None
) -> BuildOutcome:
    subject = (
        "its package index"
        if outage.origin is OutageOrigin.PACKAGE_INDEX
        else "an address that the step names"
    )
    message = f"{outage.tool} could not reach {subject}: {outage.words}"
    outcome = evidence.outcome(OUTAGE_CODES[outage.origin], message, step_exit_code=step_exit_code)
    # An address that the step names is waited for by this build alone: another draft may do without it.
    return replace(outcome, host=outage.host) if outage.origin is OutageOrigin.PACKAGE_INDEX else outcome


STEP_NOT_STARTED_PATTERN = re.compile(
    r"(?:Error|Close_Fd) sealing memfd copy: .+|Error during reexec\(\.\.\.\): .+"
    r"|(?:memfd_create\(\)|write\(anonfd\)|read\(\"/proc/self/exe\"\)): .+"
)
"""What buildah's copy of itself prints when it cannot start, before it runs the step:
https://github.com/containers/storage/blob/v1.51.0/pkg/unshare/unshare.c
"""


def step_was_not_started(evidence: BuildEvidence) -> BuildOutcome | None:
    """buildah starts itself again for each step; a busy node may refuse that, and says nothing about the step."""
    found, output = STEP_FAILED_PATTERN.match(evidence.log.error), evidence.log.output
    if found is None or len(output) != 1 or not STEP_NOT_STARTED_PATTERN.fullmatch(output[0]):
        return None
    return evidence.outcome(ExitCode.INFRASTRUCTURE, f"buildah could not start a step: {output[0][-300:]}")


def step_failed(evidence: BuildEvidence) -> BuildOutcome | None:
    found = STEP_FAILED_PATTERN.match(evidence.log.error)
    if found is None:
        return None
    step, opened = found[1].strip(), evidence.log.opened
    if opened is not None and opened.startswith(step):
        step = opened  # of a heredoc the error line holds the first word, the announcement the first line
    signal = _signal(evidence.log)
    code = int(found[2]) if signal is None else 128 + SIGNALS.get(signal, 0)
    how = f"failed with exit code {code}" if signal is None else f"was ended by a signal ({signal})"
    kills = evidence.facts.oom_kills
    why = f" after {kills} process(es) were killed because memory ran out" if kills else ""
    return evidence.outcome(ExitCode.STEP_FAILED, f"`{step[:300]}` {how}{why}.", step, code)


def pod_lacks_a_privilege(evidence: BuildEvidence) -> BuildOutcome | None:
    """buildah cannot work in this pod: a fault of the cluster or of the pod spec, not of the draft."""
    if not re.search(
        r"RLIMIT_|CLONE_NEW|uid_map|remount|netavark|overlay.*(?:not permitted|denied)", evidence.log.error
    ):
        return None
    return evidence.outcome(ExitCode.INFRASTRUCTURE, f"buildah cannot work in this pod: {evidence.log.error}")


def cache_was_unreachable(evidence: BuildEvidence) -> BuildOutcome | None:
    if "failed pushing cache" not in evidence.log.error:
        return None
    return evidence.outcome(
        ExitCode.INFRASTRUCTURE, f"The layer cache could not be written: {evidence.log.error}"
    )


IMAGE_PATTERN = re.compile(
    r"initializing source|pinging container registry|reading (?:manifest|blob)|writing blob|unauthorized"
    r"|no stage or image found with that name",
)
UNREACHABLE_PATTERN = re.compile(
    r"connection refused|connection reset|broken pipe|no route to host|network is unreachable|i/o timeout|EOF$"
    r"|deadline exceeded|TLS handshake timeout|is not yet valid|server misbehaving|temporary failure"
    r"|too ?many ?requests"
    r"|status:? (?:code )?(?:429|5\d\d)",
    re.IGNORECASE,
)


def registry_was_unreachable(evidence: BuildEvidence) -> BuildOutcome | None:
    error = evidence.log.error
    if not IMAGE_PATTERN.search(error):
        return None
    pinged = re.search(r"pinging container registry (\S+): ", error)
    own = pinged is not None and pinged[1] in evidence.facts.own_hosts
    if not own and not UNREACHABLE_PATTERN.search(error):
        return None
    message = f"The registry of a base image did not answer: {error}"
    return replace(
        evidence.outcome(ExitCode.INFRASTRUCTURE, message), host=pinged[1] if pinged is not None else None
    )


def base_is_missing(evidence: BuildEvidence) -> BuildOutcome | None:
    """The image does not exist or may not be pulled, or its host does not exist."""
    if not IMAGE_PATTERN.search(evidence.log.error):
        return None
    return evidence.outcome(
        ExitCode.BASE_IMAGE_MISSING, f"A base image cannot be pulled: {evidence.log.error}"
    )


INVALID_DOCKERFILE_PATTERN = re.compile(
    r"^building at STEP |^parsing main Dockerfile|no FROM statement|no stages to build|^FROM requires"
    r"|parsing reference|invalid reference format|determining starting point|[Dd]ockerfile parse error"
)
INTERNAL_ERROR_PATTERN = re.compile(
    r"^parsing main Dockerfile: \S+: |\s*&imagebuilder\.Step\{.*|copier: get: globs .*\}: "
)
"""Go values and paths that buildah prints into its errors."""


def dockerfile_is_invalid(evidence: BuildEvidence) -> BuildOutcome | None:
    if not INVALID_DOCKERFILE_PATTERN.search(evidence.log.error):
        return None
    error = INTERNAL_ERROR_PATTERN.sub("", evidence.log.error)
    return evidence.outcome(ExitCode.DOCKERFILE_INVALID, f"The Dockerfile is not valid: {error}")


def unknown_failures_are_infrastructure(evidence: BuildEvidence) -> BuildOutcome | None:
    """An unknown failure must not count against a draft."""
    return evidence.outcome(
        ExitCode.INFRASTRUCTURE,
        f"buildah ended with {evidence.exit_code}: {evidence.log.error or 'no error'}",
    )


def push_failed(evidence: BuildEvidence) -> BuildOutcome | None:
    allowed = evidence.facts.seconds_allowed
    why = (
        evidence.log.error or f"exit code {evidence.exit_code}"
        if allowed is None
        else f"it took more than {allowed} s"
    )
    return evidence.outcome(ExitCode.PUSH_FAILED, f"The image was built but not pushed: {why}")


BUILD_RULES: tuple[FailureRule, ...] = (
    build_succeeded,
    outage_lasted_until_the_time_limit,
    time_limit_was_reached,
    buildah_was_killed,
    disk_was_full,
    step_met_an_outage,
    step_was_not_started,
    step_failed,
    pod_lacks_a_privilege,
    cache_was_unreachable,
    registry_was_unreachable,
    base_is_missing,
    dockerfile_is_invalid,
    unknown_failures_are_infrastructure,
)
"""The first match counts: a full disk and an outage make steps fail; an unreachable base is not a missing one."""

PUSH_RULES: tuple[FailureRule, ...] = (build_succeeded, disk_was_full, push_failed)


def _first_match(rules: tuple[FailureRule, ...], evidence: BuildEvidence) -> BuildOutcome:
    return next(outcome for rule in rules if (outcome := rule(evidence)) is not None)


def _signal(log: BuildahLog) -> str | None:
    """The signal that ended the step, when buildah's closing lines name one."""
    found = re.match(r"subprocess exited on (.+)", log.output[-1]) if log.output else None
    return found[1] if found else None
