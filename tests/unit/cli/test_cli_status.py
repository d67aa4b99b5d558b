"""`swefoundry status`: the funnel."""

import json
from datetime import UTC, datetime

from swefoundry.cli.views.progress import batch_progress
from unit.cli.api_server import Api
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
    seen = batch_progress(mixed_instances(), NOW)
    assert seen.phases == {"Pending": 1, "Preparing": 1, "Validated": 1, "Rejected": 1, "Failed": 1}
    assert seen.verdicts == {"fail2pass": 1, "pass2pass": 1}
    assert (seen.finished, seen.all_validated) == (3, False)
    by_name = {line.name: line for line in seen.lines}
    assert list(by_name) == ["a", "b", "c", "d", "e"]
    assert (by_name["a"].fail_to_pass, by_name["a"].pass_to_pass, by_name["a"].duration) == (1, 2, "2m3s")
    assert (by_name["d"].strategy, by_name["d"].round, by_name["d"].duration) == ("recipe", 2, "1m5s")
    assert by_name["c"].reason == "SourceMismatch"


def test_the_table_has_a_line_for_each_with_the_reason(run: Run, api: Api) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    done = run("status")
    assert done.exit_code == 0
    assert "finished        3  of 5" in done.stdout
    assert "Verdicts: 1 fail2pass, 1 pass2pass" in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "the archive's sha256 is [another]" in lines["c"]
    assert "EnvBuild d: building round 1" in lines["d"]


def test_json_has_everything(run: Run, api: Api) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    said = json.loads(run("status", "-o", "json").stdout)
    assert said["total"] == 5
    assert said["instances"][0]["verdict"] == "fail2pass"


def test_check_says_by_exit_code_whether_all_are_validated(run: Run, api: Api) -> None:
    for body in mixed_instances():
        api.put("taskinstances", body)
    assert run("status", "--check").exit_code == 1
    assert run("status", "a", "--check").exit_code == 0


def test_watch_ends_when_all_have_finished(run: Run, api: Api) -> None:
    for body in mixed_instances()[1:4]:
        api.put("taskinstances", body)
    done = run("status", "--watch")
    assert done.exit_code == 0
    assert done.stdout.startswith("3 of 3 finished: 1 Validated, 1 Rejected, 1 Failed")


def test_a_name_that_is_not_there_is_exit_code_6(run: Run, api: Api) -> None:
    done = run("status", "nobody")
    assert done.exit_code == 6
    assert "no TaskInstance nobody in default" in done.stderr


def test_an_empty_namespace_says_so(run: Run, api: Api) -> None:
    assert run("status").stdout == "No TaskInstances here.\n"


def test_all_namespaces(run: Run, api: Api) -> None:
    for namespace in ("one", "two"):
        body = task("a", validated_status())
        body["metadata"]["namespace"] = namespace
        api.put("taskinstances", body)
    said = json.loads(run("status", "-A", "-o", "json").stdout)
    assert [line["namespace"] for line in said["instances"]] == ["one", "two"]
