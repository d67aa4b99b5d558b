"""`swefoundry why`: the page about one TaskInstance."""

import json
from io import StringIO

from rich.console import Console

from simulated.api_server import ApiServer
from swefoundry.api import reasons
from swefoundry.cli.views import remediation
from swefoundry.cli.views.build_history import build_history
from swefoundry.cli.views.page import print_section
from swefoundry.grading.verdict_bundle import VerdictBundle
from unit.cli.conftest import Run
from unit.cli.push_artifacts import push_files
from unit.cli.task_objects import Json, condition, digest, finished_status, task, validated_status
from unit.oci import registry_server


def test_every_reason_has_a_remediation() -> None:
    known = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert known - remediation.REMEDIATIONS.keys() == set()


def rejected(evidence: str, bundle: str = "") -> Json:
    return finished_status(
        "Rejected",
        "fail2fail",
        "Fail2Fail",
        "the tests fail after the fix, too",
        image={
            "name": "registry.lab:5000/swefoundry/tasks/octo/calc:default.octo--calc-7",
            "digest": digest("b"),
        },
        envBuild="octo--calc-7",
        evidence=bundle or None,
        evaluations=[
            {"stage": "base", "repeat": 0, "code": 0, "rawExit": 0, "passed": 2, "failed": 0, "skipped": 0},
            {"stage": "before", "repeat": 0, "code": 1, "rawExit": 1, "passed": 2, "failed": 1},
            {
                "stage": "after",
                "repeat": 0,
                "code": 1,
                "rawExit": 1,
                "passed": 2,
                "failed": 1,
                "evidence": evidence,
            },
        ],
        attempts=[{"work": "before-0", "number": 0, "pod": "p", "outcome": "Lost", "reason": "PodLost"}],
        infraRetries=1,
    )


BUILD: Json = {
    "metadata": {"name": "octo--calc-7"},
    "status": {
        "rounds": [
            {
                "number": 1,
                "strategy": "recipe",
                "label": "python 3.11, pip",
                "outcome": "StepFailed",
                "message": "ModuleNotFoundError: No module named 'wheel'",
            },
            {
                "number": 2,
                "strategy": "recipe",
                "label": "python 3.11, uv",
                "outcome": "Accepted",
                "probes": [{"stage": "before", "code": 1}, {"stage": "after", "code": 0}],
            },
        ]
    },
}


def put_rejected(api: ApiServer, server: registry_server.Server) -> None:
    """A rejected TaskInstance, with its EnvBuild and its evidence in the registry."""
    repository = "swefoundry/tasks/octo/calc"
    log = (
        b"noise\n" * 500
        + b"E   AssertionError: 3 != 4\nFAILED tests/test_calc.py::test_add - AssertionError\n"
    )
    evidence = push_files(server.host, repository, "evaluation", {"output.log": log})
    verdict = VerdictBundle(
        instance_id="octo__calc-7",
        verdict="fail2fail",
        tests={"FAIL_TO_PASS": [], "PASS_TO_PASS": ["p"], "FAIL_TO_FAIL": ["tests/test_calc.py::test_add"]},
        tolerated_failures=["tests/test_net.py::test_dns"],
    )
    bundle = push_files(server.host, repository, "verdict", {"verdict.json": verdict.to_json().encode()})
    api.put("taskinstances", task(status=rejected(evidence, bundle)))
    api.put("envbuilds", BUILD)


def test_the_page_has_rounds_matrix_logs_and_pods(
    run: Run, api: ApiServer, server: registry_server.Server
) -> None:
    put_rejected(api, server)

    done = run("why", "octo--calc-7", "--registry", server.host, "--insecure")
    assert done.exit_code == 0, done.output
    assert "FAILED tests/test_calc.py::test_add - AssertionError" in done.stdout

    page = json.loads(
        run("why", "octo--calc-7", "--registry", server.host, "--insecure", "-o", "json").stdout
    )
    assert [section["title"] for section in page["sections"]] == [
        "Overview",
        "Rounds",
        "Budget",
        "Matrix",
        "Tests",
        "Pods",
    ]
    assert page["sections"][1]["rows"][0]["outcome"] == "StepFailed"


def test_the_page_says_how_each_control_ended(run: Run, api: ApiServer) -> None:
    control = {"name": "BaseTests", "result": "Failed", "message": "1 test (t::a) failed in `base`"}
    api.put("taskinstances", task(status=validated_status(controls=[control])))
    page = json.loads(run("why", "octo--calc-7", "-o", "json").stdout)
    assert [section for section in page["sections"] if section["title"] == "Controls"] == [
        {
            "title": "Controls",
            "lines": [],
            "rows": [{"control": "BaseTests", "result": "Failed", "found": control["message"]}],
            "logs": [],
        }
    ]


def test_the_page_says_how_many_hunks_the_tests_notice(run: Run, api: ApiServer) -> None:
    control = {"name": "MutatedGold", "result": "Failed", "message": "a.py:3"}
    api.put("taskinstances", task(status=validated_status(controls=[control], testStrength=0)))
    page = json.loads(run("why", "octo--calc-7", "-o", "json").stdout)
    [lines] = [section["lines"] for section in page["sections"] if section["title"] == "Controls"]
    assert lines == ["test strength: 0 %"]


USED = {"turns": 3, "inputTokens": 1000, "outputTokens": 200, "microUsd": 120_000}


def put_failed_agents(api: ApiServer, name: str = "octo--calc-7") -> None:
    """A TaskInstance whose agents gave up after reuse had failed."""
    lost = "it needs a running PostgreSQL server"
    rounds: list[Json] = [
        {"number": 1, "strategy": "reuse", "parent": {"image": digest("a")}, "outcome": "AfterFailed"},
        {"number": 2, "strategy": "agents", "outcome": "StepFailed", "claimed": True, "usage": USED},
        {"number": 3, "strategy": "agents", "outcome": "Accepted", "claimed": False},
    ]
    build: Json = {
        "metadata": {"name": "built"},
        "spec": {"budget": {"llmUsd": "0.50", "rounds": 3}},
        "status": {
            "rounds": rounds,
            "conditions": [condition("Stalled", "True", "AgentsGaveUp", lost)],
            "usage": USED,
            "podSeconds": 61.4,
            "agents": {
                "draftsRequested": 3,
                "overclaimed": 1,
                "underclaimed": 1,
                "transcript": digest("7"),
                "endReason": "AgentsGaveUp",
                "message": lost,
            },
        },
    }
    api.put("envbuilds", build)
    api.put(
        "taskinstances",
        task(name, status=finished_status("Failed", None, "EnvironmentNotBuilt", lost, envBuild="built")),
    )


def test_the_page_has_reuse_agents_and_budgets(run: Run, api: ApiServer) -> None:
    put_failed_agents(api)

    page = json.loads(run("why", "octo--calc-7", "-o", "json").stdout)
    sections = {section["title"]: section for section in page["sections"]}
    spent = "3 turns, 1,000 tokens in, 200 out, $0.12"
    assert sections["Reuse"]["rows"] == [
        {"round": 1, "image": "sha256:" + "a" * 12, "outcome": "AfterFailed"}
    ]
    assert len(sections["Agents"]["lines"]) == 5
    assert sections["Agents"]["rows"][0] == {
        "round": 2,
        "spent": spent,
        "the model was": "sure",
        "outcome": "StepFailed",
    }
    assert [tuple(row.values()) for row in sections["Budget"]["rows"]] == [
        ("rounds", 3, 3),
        ("podSeconds", "61", 7200),
        ("llmTokens", "1,200", "1,000,000"),
        ("llmUsd", "$0.12", "$0.50"),
    ]
    assert page["advice"] == remediation.REMEDIATIONS["AgentsGaveUp"]


def test_the_page_is_printed_without_logs_when_the_registry_is_unreachable(run: Run, api: ApiServer) -> None:
    api.put("taskinstances", task(status=rejected(digest("c"))))
    host = f"127.0.0.1:{registry_server.refusing_port()}"
    done = run("why", "octo--calc-7", "--registry", host, "--insecure")
    assert done.exit_code == 0


def test_a_task_that_the_operator_has_not_seen_has_a_page(run: Run, api: ApiServer) -> None:
    api.put("taskinstances", task())
    done = run("why", "octo--calc-7")
    assert done.exit_code == 0, done.output


def test_a_source_that_is_in_the_registry_is_named_by_its_digest(run: Run, api: ApiServer) -> None:
    api.put("taskinstances", task(source={"artifact": {"digest": digest("c")}}))
    assert f"source: {digest('c')} in the registry" in run("why", "octo--calc-7").output


def test_an_unknown_name_is_exit_code_6(run: Run, api: ApiServer) -> None:
    assert run("why", "nobody").exit_code == 6


def test_a_round_says_as_which_user_its_tests_ran() -> None:
    rounds = [
        {"number": 1, "label": "the given draft", "runAsUser": 1234},
        {"number": 2, "label": "python 3.11"},
    ]
    rows = next(build_history({"status": {"rounds": rounds}})).rows
    assert [row[-1] for row in rows] == ["the given draft, user 1234", "python 3.11"]


def test_a_long_label_leaves_the_outcome_in_sight_at_80_columns() -> None:
    label = "a-model, after StepFailed: " + "added libxml2-dev and libxslt1-dev, pinned lxml, " * 3
    rounds = [{"number": 1, "strategy": "agents", "label": label, "outcome": "AfterFailed"}]
    page = StringIO()
    section = next(build_history({"status": {"rounds": rounds}}))
    print_section(section, Console(width=80, file=page, color_system=None))
    lines = page.getvalue().splitlines()
    assert [line for line in lines if "AfterFailed" in line and "a-model" in line]
    assert max(map(len, lines)) <= 80 and "pinned" in "".join(lines)
