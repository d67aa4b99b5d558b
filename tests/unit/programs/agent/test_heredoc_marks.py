"""Long heredocs are one line in prompts, and whole again in the drafts."""

from pathlib import Path

from swefoundry.contracts.agent import Ablation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.heredoc_marks import unknown_mark, with_marks, without_marks
from unit.programs.agent.agent_inputs import (
    TESTS,
    a_draft,
    a_past_attempt,
    agent_inputs,
    an_agent_spec,
    dockerfile_with,
)
from unit.programs.agent.workflow_run import FIRST, WorkflowRun

SCRIPT = "// Runs test files.\n" + "\n".join(f"console.log({number})" for number in range(60))
LONG = dockerfile_with(f"RUN cat > /run.js <<'EOF'\n{SCRIPT}\nEOF")
SHORT = dockerfile_with("RUN <<EOF\nset -e\nmake\nEOF")


def test_a_long_body_becomes_one_line_and_comes_back() -> None:
    marked = with_marks(LONG)
    (line,) = [each for each in marked.splitlines() if each.startswith("@@")]
    assert marked == LONG.replace(SCRIPT, line)
    assert line.startswith("@@ 61 lines as they are, ") and line.endswith(": // Runs test files. @@")
    assert without_marks(marked, [LONG]) == LONG


def test_a_short_body_is_shown() -> None:
    assert with_marks(SHORT) == SHORT


def test_a_mark_of_no_known_body_stays_and_is_found() -> None:
    marked = with_marks(LONG)
    assert without_marks(marked, [SHORT]) == marked
    assert unknown_mark(marked) in marked.splitlines() and unknown_mark(LONG) == ""


async def test_the_environment_manager_repeats_the_mark_and_the_draft_has_the_file(tmp_path: Path) -> None:
    last = a_past_attempt(0, RoundOutcome.STEP_FAILED, "no gcc", a_draft(LONG))
    changed = LONG.replace("COPY .", "RUN apt-get install -y gcc\nCOPY .")
    run = WorkflowRun(
        agent_inputs(tmp_path, last),
        {
            "analyst": [{"reason": "gcc", "route": "environment", "instructions": "Install gcc."}],
            "environment": [{"dockerfile": with_marks(changed)}],
        },
    )
    assert (await run.draft()).draft == a_draft(changed)
    assert "console.log" not in run.opening("environment") + run.opening("analyst")
    assert "stands for a file that a heredoc writes" in run.opening("environment")


async def test_marks_are_explained_only_where_there_are_some(tmp_path: Path) -> None:
    run = WorkflowRun(agent_inputs(tmp_path), FIRST)
    await run.draft()
    assert "stands for a file" not in run.opening("environment")


async def test_a_mark_that_stands_for_no_file_is_refused(tmp_path: Path) -> None:
    spec = an_agent_spec(ablation=Ablation(no_explorer=True))
    answers = {"environment": [TESTS | {"dockerfile": each} for each in (with_marks(LONG), SHORT)]}
    run = WorkflowRun(agent_inputs(tmp_path, spec=spec), answers)
    assert (await run.draft()).draft == a_draft(SHORT)
    assert (
        "No Dockerfile here has the file that this line stands for: @@ 61 lines"
        in (run.client.last_messages("environment")[1])
    )
