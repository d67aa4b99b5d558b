"""Results of simulated containers: termination records and logs by role and stage."""

import base64
import gzip
import hashlib
from dataclasses import dataclass, field

from simulated.api_server import Json
from simulated.kubelet import ContainerEnd, nonce_of, spec_of
from simulated.seeded_registry import SeededRegistry
from swefoundry.api import labels
from swefoundry.contracts.exit_codes import ExitCode

FAIL2PASS = {"base": 0, "before": 1, "after": 0}


@dataclass
class ScriptedPods:
    """Script for the simulated kubelet."""

    registry: SeededRegistry
    exit_codes: dict[str, int] = field(default_factory=lambda: dict(FAIL2PASS))
    """Exit code of each stage's evaluations."""
    probe_codes: dict[str, int] = field(default_factory=dict)
    """Exit codes of single probes, by work: {"after-0": 1}."""
    raw_exit: int | None = None
    """The test command's own exit code where it is not the canonical one."""
    agent_records: dict[str, list[Json]] = field(default_factory=dict)
    """By work, the records of its attempts; agents without a record give up."""
    intake: Json = field(default_factory=dict)
    """Fields of the intake record that differ from a good one."""
    build: Json = field(default_factory=dict)
    checkout: Json = field(default_factory=dict)
    leaks: Json = field(default_factory=dict)
    network: str = "denied"
    measured: Json = field(default_factory=dict)
    """What every evaluation used."""
    cpus: int = 2
    """Of the node."""
    pytest: bool = True
    """Whether the test command runs pytest."""
    oom_killed: set[str] = field(default_factory=set)
    """Works whose container is killed for memory every time."""

    def __call__(self, pod: Json) -> ContainerEnd:
        tags = pod["metadata"]["labels"]
        record: Json = {"v": 1, "nonce": nonce_of(pod), "code": 0}
        if tags[labels.WORK] in self.oom_killed:
            return ContainerEnd(137, reason="OOMKilled")
        if tags[labels.ROLE] == "evaluation":
            stage = spec_of(pod)["stage"]
            record |= self._variation(spec_of(pod))
            return self._evaluation(
                record, stage, self.probe_codes.get(tags[labels.WORK], self.exit_codes[stage])
            )
        if tags[labels.ROLE] == "agent":
            return self._agent(record, tags)
        if tags[labels.WORK].startswith("checkout-"):
            record |= {
                "layer": self.registry.layers["base"],
                "added": 1,
                "changed": 2,
                "removed": 0,
            } | self.checkout
        elif tags[labels.WORK].startswith("leaks-"):
            record |= {"layers": 3, "evidence": self.registry.source} | self.leaks
        elif tags[labels.ROLE] == "intake":
            seeded = self.registry
            record |= {
                "source": seeded.source,
                "facts": seeded.facts,
                "layers": seeded.layers,
                "testFiles": 1,
            }
            record |= {"language": "python"} | self.intake
        else:
            record |= {"image": self.registry.image, "durationMs": 20_000} | self.build
        return ContainerEnd(record["code"], record)

    def _variation(self, spec: Json) -> Json:
        """What the runner records of a control."""
        cpus = {"cpus": min(spec["cpus"], self.cpus)} if "cpus" in spec else {}
        clock = {"laterClock": True} if spec.get("laterClock") else {}
        return cpus | clock | ({"shuffled": True} if "shuffleSeed" in spec and self.pytest else {})

    def _agent(self, record: Json, tags: Json) -> ContainerEnd:
        written = self.agent_records.get(tags[labels.WORK], [])[int(tags[labels.ATTEMPT]) :]
        record |= written[0] if written else {"code": int(ExitCode.GAVE_UP), "message": "no script, no draft"}
        return ContainerEnd(record["code"], record)

    def _evaluation(self, record: Json, stage: str, code: int) -> ContainerEnd:
        report = junit(failed=code != 0).encode()
        sha = hashlib.sha256(report).hexdigest()
        record |= {"stage": stage, "code": code, "durationMs": 1500, "network": self.network}
        record |= {"rawExit": code if self.raw_exit is None else self.raw_exit}
        failed = int(code != ExitCode.OK)
        record |= {"tests": {"total": 2, "passed": 2 - failed, "failed": failed, "errors": 0, "skipped": 0}}
        record |= {"measured": self.measured} if self.measured else {}
        record |= {"reportSha256": hashlib.sha256(f"r.xml {sha}\n".encode()).hexdigest()}
        head = f"<<<swefoundry {record['nonce']} report r.xml {len(report)} {sha} gzip+base64\n".encode()
        body = base64.encodebytes(gzip.compress(report, mtime=0))
        tail = f">>>swefoundry {record['nonce']} end\n".encode()
        return ContainerEnd(code, record, b"some output\n" + head + body + tail)


def junit(failed: bool) -> str:
    """Two tests, of which one may have failed."""
    inside = '<failure message="no"/>' if failed else ""
    return (
        '<testsuite tests="2"><testcase classname="t" name="test_old"/>'
        f'<testcase classname="t" name="test_fix">{inside}</testcase></testsuite>'
    )


def manifest(name: str = "task-one", **spec: object) -> Json:
    """A TaskInstance with its own draft, as a user applies it."""
    draft = {
        "dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n",
        "testCommand": "pytest {files}",
        "reports": ["r.xml"],
    }
    defaults: Json = {
        "instanceId": "owner__name-1",
        "repo": "owner/name",
        "baseCommit": "1" * 40,
        "goldPatch": {"inline": "gold"},
        "testPatch": {"inline": "tests"},
        "environment": {"draft": draft},
    }
    return {
        "apiVersion": labels.API_VERSION,
        "kind": "TaskInstance",
        "metadata": {"name": name},
        "spec": defaults | spec,
    }
