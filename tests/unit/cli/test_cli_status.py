"""`swefoundry status`: progress of the TaskInstances."""

import json
from datetime import UTC, datetime

from simulated.api_server import ApiServer
from swefoundry.cli.views.progress import batch_progress
from unit.cli.conftest import Run
from unit.cli.task_objects import condition, finished_status, task, validated_status

NOW = datetime(2026, 1, 1, 12, 1, 5, tzinfo=UTC)


def mixed_instances() -> list[dict[str, object]]:
    building = condition("Reconciling", "True", "Preparing", "EnvBuild d: building round 1")
    working = {"phase": "Preparing", "startedAt": "2026-01-01T12:00:00Z", "conditions": [building]}
    return [
        task("d", working | {"strategy": "recipe", "round": 2}),
        task("a", validated_status()),
        task("b", finished_status("Rejected", "pass2pass", "Pass2Pass", "the tests pass without the fix")),
        task("c", finished_status("Failed", None, "SourceMismatch", "the archive's sha256 is [another]")),
        task("e"),
    ]


def test_counts_and_lines() -> None:
    progress = batch_progress(mixed_instances(), NOW)
    assert progress.phases == {"Pending": 1, "Preparing": 1, "Validated": 1, "Rejected": 1, "Failed": 1}
    assert progress.verdicts == {"fail2pass": 1, "pass2pass": 1}
    assert (progress.finished, progress.all_validated) == (3, False)
    by_name = {line.name: line for line in progress.lines}
    assert list(by_name) == ["a", "b", "c", "d", "e"]
    assert (by_name["a"].fail_to_pass, by_name["a"].pass_to_pass, by_name["a"].duration) == (1, 2, "2m3s")
    assert (by_name["d"].strategy, by_name["d"].round, by_name["d"].duration) == ("recipe", 2, "1m5s")
    assert by_name["c"].reason == "SourceMismatch"


def test_the_table_has_a_line_for_each_with_the_reason(run: Run, api: ApiServer) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    done = run("status")
    assert done.exit_code == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "the archive's sha256 is [another]" in lines["c"]
    assert "EnvBuild d: building round 1" in lines["d"]


def test_json_has_everything(run: Run, api: ApiServer) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    report = json.loads(run("status", "-o", "json").stdout)
    assert report["total"] == 5
    assert report["instances"][0]["verdict"] == "fail2pass"


def test_the_exit_code_of_check_is_0_only_when_all_are_validated(run: Run, api: ApiServer) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    assert run("status", "--check").exit_code == 1
    assert run("status", "a", "--check").exit_code == 0


def test_watch_ends_when_all_have_finished(run: Run, api: ApiServer) -> None:
    for body in mixed_instances()[1:4]:
        api.put("taskinstances", body)
    done = run("status", "--watch")
    assert done.exit_code == 0


def test_an_unknown_name_is_exit_code_6(run: Run, api: ApiServer) -> None:
    done = run("status", "nobody")
    assert done.exit_code == 6


def test_all_namespaces(run: Run, api: ApiServer) -> None:
    for namespace in ("one", "two"):
        body = task("a", validated_status())
        body["metadata"]["namespace"] = namespace
        api.put("taskinstances", body)
    report = json.loads(run("status", "-A", "-o", "json").stdout)
    assert [line["namespace"] for line in report["instances"]] == ["one", "two"]
