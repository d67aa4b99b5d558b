"""Builders for instances that agents solve, and for the scripted answers of the models."""

from dataclasses import dataclass, field
from typing import Any

from cluster.sample_instances import TINY_DOCKERFILE, Json, SampleRepository, a_task, make_repository, unique

TEST = "tests/test_answer.c"  # a shell script; the name says that it is a test
FILES = {"answer.sh": "echo 41\n", "README.md": "Run `sh tests/test_answer.c`.\n"}
TESTS = {TEST: '[ "$(sh answer.sh)" = 42 ]\n'}
FIX = {"answer.sh": "echo 42\n"}
SMALL, LARGE, PLAIN = "scripted-small", "scripted-large", "scripted-plain"
MODELS = {SMALL: {}, LARGE: {}, PLAIN: {"tools": False, "json_schema": False}}
"""Models of the lab's release, in the order in which they are tried, and what their endpoints support."""
GUIDANCE_MARK = "This was missing before."
"""Part of every guidance, so that a rule can match requests for a second draft."""

Rules = list[Json]


@dataclass(frozen=True)
class AgentCase:
    """One instance and the models' answers for it; `rules` come before the default rules."""

    rules: Rules = field(default_factory=list)
    spec: Json = field(default_factory=dict)
    files: Json = field(default_factory=dict)
    tests: Json = field(default_factory=dict)


@dataclass(frozen=True)
class AgentInstance:
    """A case with a unique name."""

    name: str
    manifest: Json
    script: Json


@dataclass(frozen=True)
class AgentOutcome:
    """Final statuses of a case, and the requests that were sent for it."""

    task: Json
    build: Json
    requests: Json
    """Report of the scripted model server."""

    @property
    def round_outcomes(self) -> list[str]:
        return [item["outcome"] for item in self.build.get("rounds", [])]

    @property
    def tokens(self) -> int:
        usage = self.build.get("usage", {})
        return int(usage.get("inputTokens", 0) + usage.get("outputTokens", 0))


def an_agent_instance(label: str, case: AgentCase) -> AgentInstance:
    """A new repository, a TaskInstance and a script under a unique name."""
    name = unique(f"agents-{label}")
    repository = make_repository(name, FILES | case.files, TESTS | case.tests, FIX)
    rules = [
        _with_name_and_repo(number, rule, name) for number, rule in enumerate([*case.rules, *default_rules()])
    ]
    return AgentInstance(name, _manifest(name, repository, case), {"models": MODELS, "rules": rules})


def _with_name_and_repo(number: int, rule: Json, name: str) -> Json:
    return rule | {"name": f"{name} {number}", "when": rule["when"] | {"repo": f"lab/{name}"}}


def _manifest(name: str, repository: SampleRepository, case: AgentCase) -> Json:
    spec = {"environment": {"strategies": ["agents"]}, "problemStatement": {"inline": SECRET_ISSUE}}
    return a_task(name, repository, **(spec | case.spec))


SECRET_ISSUE = "The answer to everything is off by one."


def rule(role: str, *answers: Json, **when: Any) -> Json:
    """A rule with the answers to requests of a role."""
    return {"when": {"role": role} | when, "then": list(answers)}


def explorer_report(**fields: Any) -> Json:
    defaults = {
        "language": "shell",
        "language_version": "",
        "package_manager": "",
        "system_packages": [],
        "install_steps": [],
        "test_command": "sh {files}",
        "doubts": [],
    }
    return {"json": defaults | fields}


def environment_draft(*steps: str) -> Json:
    text = TINY_DOCKERFILE + "".join(f"{step}\n" for step in steps)
    return {"json": {"dockerfile": text, "note": "busybox" if not steps else steps[-1][:60]}}


def command_draft(text: str = "sh {files}", claimed: bool = True) -> Json:
    return {
        "json": {
            "test_command": text,
            "rebuild_command": "",
            "reports": [],
            "error_exit_codes": [2],
            "tolerated_failures": [],
            "run_as_user": 0,
            "claimed": claimed,
            "note": "",
        }
    }


def first_draft(*steps: str, command: str = "sh {files}") -> Json:
    """The Environment Manager's answer when there is no draft of the agents yet."""
    return {"json": command_draft(command)["json"] | environment_draft(*steps)["json"]}


def at_first(answer: Json) -> Json:
    """A rule for requests of the first draft."""
    return rule("environment", answer, schema="FirstDraft")


def analyst_guidance(
    route: str, instructions: str = GUIDANCE_MARK, reason: str = "Something is missing."
) -> Json:
    return {
        "json": {
            "give_up": False,
            "row_at_fault": False,
            "reason": reason,
            "route": route,
            "instructions": f"{GUIDANCE_MARK} {instructions}",
            "test_instructions": "",
        }
    }


def analyst_ends(answer: str, reason: str) -> Json:
    """An answer that ends the search: `give_up` or `row_at_fault`."""
    ends = {"give_up": False, "row_at_fault": False} | {answer: True}
    return {
        "json": ends | {"reason": reason, "route": "environment", "instructions": "", "test_instructions": ""}
    }


UNREADABLE_ANSWER: Json = {"text": "I would rather talk about the weather.", "broken": True}


def default_rules() -> Rules:
    """Answers for requests that no other rule matches: the first draft is accepted."""
    return [
        rule("explorer", explorer_report()),
        at_first(first_draft()),
        rule("environment", environment_draft()),
        rule("tests", command_draft()),
        rule("analyst", analyst_guidance("environment")),
    ]


def after_guidance(role: str, answer: Json) -> Json:
    """A rule for requests of a role after the analyst has given guidance."""
    return rule(role, answer, anywhere=GUIDANCE_MARK)
