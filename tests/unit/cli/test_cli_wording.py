"""Wording of what the command line prints, compared with the golden files."""

import json
from pathlib import Path

import pytest

from golden_files import assert_golden
from simulated.api_server import ApiServer
from swefoundry.cli.datasets.rows import formats
from swefoundry.cli.datasets.rows.columns import BadColumn
from swefoundry.cli.releases.pairs import BadPair, parse_pair
from swefoundry.cli.views.remediation import REMEDIATIONS
from unit.cli.conftest import Run
from unit.cli.dataset_rows import BAD_ROWS, PATCH, classic_row, factory_row, long_file, write_json_lines
from unit.cli.task_objects import task
from unit.cli.test_cli_cost import a_batch
from unit.cli.test_cli_lint import bad
from unit.cli.test_cli_memory import bad_lines, exported_file, flags, seed_environments
from unit.cli.test_cli_pairs import BAD_PAIRS
from unit.cli.test_cli_status import mixed_instances
from unit.cli.test_cli_transcript import FLAGS, WITHOUT_TRANSCRIPT, push_transcript, put_all
from unit.cli.test_cli_why import put_failed_agents, put_rejected
from unit.cli.transcript_objects import an_env_build
from unit.oci import registry_server


def test_pages_of_why(run: Run, api: ApiServer, server: registry_server.Server) -> None:
    put_rejected(api, server)
    put_failed_agents(api, "octo--calc-8")
    api.put("taskinstances", task("octo--calc-9"))
    pages = []
    for name in ("octo--calc-7", "octo--calc-8", "octo--calc-9"):
        done = run("why", name, "--registry", server.host, "--insecure")
        assert done.exit_code == 0, done.output
        pages.append(f"$ swefoundry why {name}\n{done.stdout}")
    assert_golden("why.txt", trimmed("\n".join(pages)))


def test_tables_of_status(run: Run, api: ApiServer) -> None:
    empty = run("status").stdout
    for body in mixed_instances():
        # Without a start the duration would depend on the clock.
        body["status"].pop("startedAt", None)
        api.put("taskinstances", body)
    progress = run("status").stdout
    watched = run("status", "a", "--watch").stdout
    api.objects.clear()
    for body, build in a_batch():
        api.put("taskinstances", body)
        api.put("envbuilds", build)
    api.put("envbuilds", an_env_build("mine"))
    cost = run("status", "--cost").stdout
    tables = {"status": progress, "status a --watch": watched, "status --cost": cost, "status (empty)": empty}
    assert_golden(
        "status.txt", trimmed("\n".join(f"$ swefoundry {key}\n{text}" for key, text in tables.items()))
    )


def test_a_transcript(run: Run, api: ApiServer, server: registry_server.Server) -> None:
    stored = push_transcript(server.host)
    api.put("envbuilds", an_env_build("built", agents={"transcript": stored}))
    assert_golden("transcript.txt", trimmed(run("transcript", "built", *FLAGS, server.host).stdout))


def test_remediations() -> None:
    assert_golden("remediation.txt", "".join(f"{reason}: {text}\n" for reason, text in REMEDIATIONS.items()))


def test_rejections(
    run: Run, tmp_path: Path, server: registry_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sections = {
        "rows": [f"{name}: {rejection_of_row(name)}" for name in BAD_ROWS],
        "warnings about rows": [
            *formats.row_warnings(classic_row(FAIL_TO_PASS="[]", patch=PATCH.rstrip())),
            *formats.row_warnings(factory_row(dockerfile="FROM x")),
        ],
        "pairs": [rejection_of_pair(text) for text in BAD_PAIRS],
        "import": rejections_of_import(run),
        "lint": rejections_of_lint(run),
        "memory import": rejections_of_memory(run, server, tmp_path),
    }
    assert_golden("rejections.txt", "\n".join(as_section(*section) for section in sections.items()))


def as_section(title: str, lines: list[str]) -> str:
    return f"# {title}\n" + "".join(f"{line}\n" for line in lines)


def rejection_of_row(name: str) -> str:
    with pytest.raises(BadColumn) as rejected:
        formats.read_instance(classic_row(**BAD_ROWS[name][0]))
    return str(rejected.value)


def rejection_of_pair(text: str) -> str:
    with pytest.raises(BadPair) as rejected:
        parse_pair(text)
    return str(rejected.value)


def rejections_of_import(run: Run) -> list[str]:
    rows = write_json_lines(Path("rows.jsonl"), classic_row(), "{not json", "[1, 2]", classic_row())
    large = write_json_lines(Path("large.jsonl"), classic_row(patch=PATCH + long_file(240_000)))
    Path("rows.parquet").write_bytes(b"PAR1\x15\x04")
    commands = ((rows,), (rows, "--format", "swe-factory"), (large,), ("rows.parquet",))
    return [line for words in commands for line in run("import", *words, "--out", "out").stderr.splitlines()]


def rejections_of_lint(run: Run) -> list[str]:
    Path("a.jsonl").write_text(json.dumps(bad(repo="calc", mistake=1)))
    Path("b.yaml").write_text("- 1\n")
    Path("c.yaml").write_text("a: [")
    return run("lint", "a.jsonl", "b.yaml", "c.yaml", "missing.yaml").stderr.splitlines()


def rejections_of_memory(run: Run, server: registry_server.Server, folder: Path) -> list[str]:
    seed_environments(server.host)
    file = exported_file(run, server, folder)
    line = json.loads(file.read_text().splitlines()[0])
    file.write_text("\n".join(bad_lines(line)) + "\n")
    return run("memory", "import", file, *flags(server)).stderr.splitlines()


def test_usage_errors(run: Run, api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_json_lines(Path("r.jsonl"), classic_row())
    Path("template.yaml").write_text("spec: {repo: a/b}")
    commands = (
        ("import", "r.jsonl", "--strategies", "reuse,magic"),
        ("import", "r.jsonl", "--strategies", "reuse,reuse"),
        ("import", "r.jsonl", "--experiment", "a b"),
        ("import", "r.jsonl", "--template", "template.yaml"),
        ("collect", "releases"),
        ("memory", "list"),
        ("status", "nobody"),
        ("why", "nobody"),
    )
    pages = [f"$ swefoundry {' '.join(words)}\n{messages(run(*words).stderr)}\n" for words in commands]
    for _, instance, build in WITHOUT_TRANSCRIPT:
        api.objects.clear()
        put_all(api, instance, build)
        pages.append(
            f"$ swefoundry transcript octo--calc-7\n{messages(run('transcript', 'octo--calc-7').stderr)}\n"
        )
    assert_golden("usage-errors.txt", trimmed("\n".join(pages)))


def messages(stderr: str) -> str:
    """Messages without the usage lines and the box around them, which are typer's."""
    lines = [line.strip("│ ") for line in stderr.splitlines() if line.startswith(("│", "Error: "))]
    return " ".join(lines)


def trimmed(text: str) -> str:
    """Without trailing spaces, which tables have and editors remove."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
