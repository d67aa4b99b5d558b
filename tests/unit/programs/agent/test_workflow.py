"""The order of the roles, what each role sees, and which drafts are rejected."""

from pathlib import Path

import pytest

from swefoundry.contracts.agent import Ablation, Allowance
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.oci.base_images import NO_IMAGE_HOSTS, BaseImageLookup
from swefoundry.programs.agent.agent_exit import GaveUp, RowAtFault
from swefoundry.programs.agent.answers import ExplorerReport, Guidance
from swefoundry.programs.agent.failure_logs import FailureLogs
from swefoundry.programs.agent.inputs import PastAttempt
from swefoundry.programs.agent.loop_detection import draft_key
from swefoundry.programs.agent.state import AgentState, PastGuidance
from swefoundry.programs.agent.workflow import WrittenDraft
from unit.programs.agent.agent_inputs import (
    DOCKERFILE,
    ENVIRONMENT,
    FIRST_DRAFT,
    REPORT,
    TESTS,
    a_draft,
    a_facts,
    a_past_attempt,
    agent_inputs,
    an_agent_spec,
    dockerfile_with,
)
from unit.programs.agent.scripted_model_client import ScriptedAnswer, tool_calls
from unit.programs.agent.workflow_run import (
    AT_FAULT,
    FAILED,
    FIRST,
    GCC,
    TESTED,
    TO_ENVIRONMENT,
    TO_TESTS,
    WITH_XML,
    WorkflowRun,
)


class TestFirstDrafts:
    async def test_after_the_explorer_one_answer_has_the_dockerfile_and_the_commands(
        self, tmp_path: Path
    ) -> None:
        run = WorkflowRun(agent_inputs(tmp_path), FIRST)
        assert await run.draft() == WrittenDraft(
            a_draft(), "small, first draft: pytest on 3.11", claimed=True
        )
        assert run.client.roles_in_order() == ["explorer", "environment"]
        assert run.workflow.state == AgentState(
            report=ExplorerReport(**REPORT), draft=a_draft(), written=[draft_key(a_draft())]
        )

    async def test_a_base_image_that_is_missing_is_refused_before_anything_is_built(
        self, tmp_path: Path
    ) -> None:
        inputs = agent_inputs(tmp_path, image_lookup=BaseImageLookup(NO_IMAGE_HOSTS, None))
        inputs.image_lookup.remember_missing("python:9")
        missing = FIRST_DRAFT | {"dockerfile": DOCKERFILE.replace("python:3.11-slim", "python:9")}
        run = WorkflowRun(inputs, FIRST | {"environment": [missing, {"dockerfile": DOCKERFILE}]})
        assert (await run.draft()).draft == a_draft()
        assert run.client.roles_in_order() == ["explorer", "environment"]
        assert run.client.last_messages("environment")[1] == (
            "This answer cannot be used. The registry says that python:9 does not exist; "
            "images that exist: python:3.11-slim.\n"
            "Give `dockerfile` again, corrected. The other fields stay as they are and have to fit."
        )

    async def test_the_environment_manager_sees_the_summary_and_the_report(self, tmp_path: Path) -> None:
        run = WorkflowRun(agent_inputs(tmp_path), FIRST)
        await run.draft()
        opening = run.opening("environment")
        assert "# Summary of the repository" in opening and '"language_version":"3.11"' in opening
        assert "python:3.11-slim" in opening
        assert opening.endswith("Write the Dockerfile and the commands.\n")

    async def test_without_test_files_the_command_is_for_the_projects_tests(self, tmp_path: Path) -> None:
        run = WorkflowRun(agent_inputs(tmp_path, facts=a_facts(test_files=[])), FIRST)
        await run.draft()
        assert "No test files are named: write a command" in run.opening("environment")

    async def test_faults_of_both_halves_are_named_in_one_correction(self, tmp_path: Path) -> None:
        answer = FIRST_DRAFT | {"dockerfile": "", "test_command": "pytest {files} || true"}
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": [answer, FIRST_DRAFT]})
        assert (await run.draft()).draft == a_draft()
        correction = run.client.last_messages("environment")[1]
        assert "`dockerfile` is empty" in correction and "changes the exit code" in correction

    @pytest.mark.parametrize(
        ("wrong", "again"),
        [
            ({"dockerfile": DOCKERFILE + "RUN git clone https://a.example/calc.git\n"}, ENVIRONMENT),
            ({"dockerfile": "#" * 65_537}, ENVIRONMENT),
            ({"test_command": "pytest {files} || true"}, TESTS),
            ({"reports": ["/report.xml"]}, TESTS),
        ],
        ids=["Dockerfile", "long Dockerfile", "command", "reports"],
    )
    async def test_only_the_half_of_the_answer_that_is_wrong_is_asked_again(
        self, tmp_path: Path, wrong: dict[str, object], again: dict[str, object]
    ) -> None:
        fields = {name: value for name, value in again.items() if name != "note"}
        answers: list[ScriptedAnswer] = [FIRST_DRAFT | wrong, fields]
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": answers})
        assert await run.draft() == WrittenDraft(
            a_draft(), "small, first draft: pytest on 3.11", claimed=True
        )
        first, second = (each for each in run.client.requests if each.role == "environment")
        assert "dockerfile" in first.answer["required"] and "test_command" in first.answer["required"]
        assert set(second.answer["required"]) >= set(fields)
        assert ("dockerfile" in second.answer["required"]) is ("dockerfile" in fields)
        assert ("test_command" in second.answer["required"]) is ("test_command" in fields)

    async def test_a_first_draft_that_was_tried_is_asked_again_as_a_whole(self, tmp_path: Path) -> None:
        spec = an_agent_spec(ablation=Ablation(no_feedback=True, no_explorer=True))
        inputs = agent_inputs(tmp_path, a_past_attempt(0, RoundOutcome.AFTER_FAILED, "no"), spec=spec)
        run = WorkflowRun(inputs, {"environment": [FIRST_DRAFT, FIRST_DRAFT | {"dockerfile": WITH_XML}]})
        assert (await run.draft()).draft == a_draft(WITH_XML)
        assert run.client.last_messages("environment")[1] == (
            "This answer cannot be used. The same draft was tried in round 1 and was not accepted; change the "
            "Dockerfile or the commands.\nGive the whole answer again, corrected."
        )

    async def test_without_the_explorer_there_is_only_the_summary(self, tmp_path: Path) -> None:
        inputs = agent_inputs(tmp_path, spec=an_agent_spec(ablation=Ablation(no_explorer=True)))
        run = WorkflowRun(inputs, FIRST)
        await run.draft()
        assert run.client.roles_in_order() == ["environment"]

    async def test_an_explorer_that_never_answers_does_not_end_the_loop(self, tmp_path: Path) -> None:
        inputs = agent_inputs(tmp_path, spec=an_agent_spec(allowance=Allowance(turns_per_role=2)))
        looks: list[ScriptedAnswer] = [tool_calls(("read", {"path": "tox.ini"})), tool_calls(("list", {}))]
        run = WorkflowRun(inputs, FIRST | {"explorer": looks})
        assert (await run.draft()).draft == a_draft()
        assert run.workflow.state.report is None

    async def test_proven_drafts_and_failed_ones_are_in_the_prompt(self, tmp_path: Path) -> None:
        reused = a_past_attempt(
            0, RoundOutcome.STEP_FAILED, "No solution found", a_draft(dockerfile_with("RUN reused")), "reuse"
        )
        inputs = agent_inputs(
            tmp_path,
            reused,
            references=(a_draft(dockerfile_with("RUN neighbour"), "neighbours-test {files}"),),
        )
        run = WorkflowRun(inputs, FIRST)
        await run.draft()
        opening = run.opening("environment")
        assert "RUN neighbour" in opening and "proven for another commit" in opening
        assert "RUN reused" in opening and "No solution found" in opening
        assert "neighbours-test" in opening
        assert run.client.roles_in_order() == ["environment"]

    async def test_a_dockerfile_that_breaks_the_policy_is_rejected_with_the_reason(
        self, tmp_path: Path
    ) -> None:
        hidden = DOCKERFILE.replace("pip install pytest", "pip install pytest || true")
        broken = FIRST_DRAFT | {"dockerfile": hidden}
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": [broken, FIRST_DRAFT]})
        await run.draft()
        assert "hides a failed `pip install`" in run.client.last_messages("environment")[1]

    async def test_a_base_image_that_is_not_allowed_is_rejected(self, tmp_path: Path) -> None:
        foreign = FIRST_DRAFT | {
            "dockerfile": DOCKERFILE.replace("python:3.11-slim", "evil.example/python:3")
        }
        inputs = agent_inputs(tmp_path, spec=an_agent_spec(allowed_bases=["python:*"]))
        run = WorkflowRun(inputs, FIRST | {"environment": [foreign, FIRST_DRAFT]})
        await run.draft()
        assert (
            "evil.example/python:3 is not among the allowed images"
            in run.client.last_messages("environment")[1]
        )

    async def test_a_command_that_hides_failures_is_rejected(self, tmp_path: Path) -> None:
        weak = FIRST_DRAFT | {"test_command": "pytest {files} || true"}
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": [weak, FIRST_DRAFT]})
        assert (await run.draft()).draft == a_draft()
        assert "changes the exit code" in run.client.last_messages("environment")[1]

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            ("reports", ["/abs.xml"], "reports"),
            ("error_exit_codes", [300], "error_exit_codes"),
            ("run_as_user", 65534, "run_as_user"),
            ("tolerated_failures", [""], "tolerated_failures"),
            ("tolerated_failures", [f"t.py::test_{number}" for number in range(65)], "tolerated_failures"),
            ("test_command", "x" * 9000 + "{files}", "test_command"),
        ],
    )
    async def test_an_invalid_draft_is_rejected_with_the_name_of_the_field(
        self, tmp_path: Path, field: str, value: object, problem: str
    ) -> None:
        answers = [FIRST_DRAFT | {field: value}, FIRST_DRAFT]
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": answers})
        await run.draft()
        assert problem in run.client.last_messages("environment")[1]

    async def test_the_draft_may_tolerate_failures_and_name_a_user(self, tmp_path: Path) -> None:
        answer = FIRST_DRAFT | {"tolerated_failures": ["t.py::test_b", "t.py::test_a"], "run_as_user": 1000}
        run = WorkflowRun(agent_inputs(tmp_path), FIRST | {"environment": [answer]})
        assert (await run.draft()).draft == a_draft(
            tolerated_failures=["t.py::test_a", "t.py::test_b"], run_as_user=1000
        )


class TestLaterDrafts:
    async def test_a_new_dockerfile_alone_keeps_the_commands(self, tmp_path: Path) -> None:
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML, "note": "added libxml2-dev"}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, FAILED), answers)
        assert await run.draft() == WrittenDraft(
            a_draft(WITH_XML), "small, after StepFailed: added libxml2-dev", claimed=None
        )
        assert run.client.roles_in_order() == ["analyst", "environment"]
        opening = run.opening("environment")
        assert "Install libxml2-dev." in opening and "# The current Dockerfile" in opening
        assert run.workflow.state.written == [draft_key(a_draft(WITH_XML))]

    async def test_guidance_for_both_managers_asks_both(self, tmp_path: Path) -> None:
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT | {"test_instructions": "Add --runslow."}],
            "environment": [{"dockerfile": WITH_XML, "note": "added libxml2-dev"}],
            "tests": [TESTS | {"test_command": "pytest --runslow --junitxml=report.xml {files}"}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, FAILED), answers)
        assert await run.draft() == WrittenDraft(
            a_draft(WITH_XML, "pytest --runslow --junitxml=report.xml {files}"),
            "small, after StepFailed: added libxml2-dev",
            claimed=True,
        )
        assert "The Dockerfile has changed" in run.opening("tests")
        assert "What the Test Manager is to do: Add --runslow." in run.opening("tests")

    async def test_a_change_of_what_the_command_names_asks_the_test_manager_again(
        self, tmp_path: Path
    ) -> None:
        older = DOCKERFILE.replace("pip install pytest", "pip install pytest==3")
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [{"dockerfile": older}],
            "tests": [TESTS],
        }
        run = WorkflowRun(agent_inputs(tmp_path, FAILED), answers)
        assert (await run.draft()).draft == a_draft(older)
        assert run.client.roles_in_order() == ["analyst", "environment", "tests"]

    async def test_a_dockerfile_that_was_tried_with_these_commands_asks_the_test_manager(
        self, tmp_path: Path
    ) -> None:
        rounds = [
            a_past_attempt(0, RoundOutcome.AFTER_FAILED, "no libxml2"),
            a_past_attempt(1, RoundOutcome.AFTER_FAILED, "no locale", a_draft(WITH_XML)),
        ]
        command = "pytest --junitxml=report.xml {files}"
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [ENVIRONMENT],
            "tests": [TESTS | {"test_command": command}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, *rounds), answers)
        assert (await run.draft()).draft == a_draft(command=command)

    async def test_the_analyst_sees_outcome_codes_and_logs(self, tmp_path: Path) -> None:
        last = a_past_attempt(0, RoundOutcome.AFTER_FAILED, "ModuleNotFoundError: No module named 'yaml'")
        last = PastAttempt(last.past.model_copy(update={"codes": {"before": 1, "after": 1}}), last.draft)
        inputs = agent_inputs(tmp_path, last, logs=FailureLogs(after="the end of the log"))
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML}],
            "tests": [TESTS],
        }
        run = WorkflowRun(inputs, answers)
        await run.draft()
        opening = run.opening("analyst")
        assert "Outcome: AfterFailed (module missing)." in opening
        assert "Stage `after`: tests ran and at least one failed." in opening
        assert "the end of the log" in opening and "No module named 'yaml'" in opening

    async def test_guidance_for_the_tests_keeps_the_dockerfile(self, tmp_path: Path) -> None:
        last = a_past_attempt(0, RoundOutcome.NO_RESULT, "no report")
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [TO_TESTS],
            "tests": [TESTS | {"test_command": "pytest --junitxml=report.xml {files}"}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, last), answers)
        written = await run.draft()
        assert written.draft == a_draft(command="pytest --junitxml=report.xml {files}")
        assert "has changed since" not in run.opening("tests")

    async def test_the_test_manager_sees_what_the_current_draft_tolerates(self, tmp_path: Path) -> None:
        draft = a_draft(tolerated_failures=["t.py::test_a"], run_as_user=1000)
        last = a_past_attempt(0, RoundOutcome.NO_RESULT, "no report", draft)
        answers: dict[str, list[ScriptedAnswer]] = {"analyst": [TO_TESTS], "tests": [TESTS]}
        run = WorkflowRun(agent_inputs(tmp_path, last), answers)
        assert (await run.draft()).draft == a_draft()
        assert "t.py::test_a" in run.opening("tests") and '"run_as_user":1000' in run.opening("tests")

    async def test_after_the_explorer_it_is_the_analyst_who_is_asked_again(self, tmp_path: Path) -> None:
        to_explorer = TO_ENVIRONMENT | {"route": "explorer", "instructions": "Find the compiler."}
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [to_explorer, to_explorer, TO_ENVIRONMENT],
            "explorer": [REPORT | {"system_packages": ["gcc"]}],
            "environment": [{"dockerfile": WITH_XML}],
        }
        run = WorkflowRun(
            agent_inputs(tmp_path, FAILED), answers, AgentState(report=ExplorerReport(**REPORT))
        )
        await run.draft()
        assert run.client.roles_in_order() == ["analyst", "explorer", "analyst", "environment"]
        assert "Find the compiler." in run.opening("explorer")
        again, refused = run.client.last_messages("analyst")[1:]
        assert '"gcc"' in again and "The explorer has looked for what you asked" in again
        assert "The explorer has looked already" in refused
        assert [each.guidance.route for each in run.workflow.state.advised] == ["environment"]

    async def test_the_analyst_reads_the_repository_itself(self, tmp_path: Path) -> None:
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [tool_calls(("read", {"path": "tox.ini"})), TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, FAILED), answers)
        await run.draft()
        assert "commands = pytest" in run.client.last_messages("analyst")[1]

    async def test_a_row_at_fault_ends_with_the_analysts_reason(self, tmp_path: Path) -> None:
        run = WorkflowRun(agent_inputs(tmp_path, TESTED), {"analyst": [AT_FAULT]})
        with pytest.raises(RowAtFault, match=r"^add\(\) has no such argument\.$"):
            await run.draft()

    @pytest.mark.parametrize(
        "codes", [{}, {"before": 1}, {"before": 21, "after": 21}, {"before": 1, "after": 22}]
    )
    async def test_no_row_is_at_fault_before_its_tests_ran(
        self, tmp_path: Path, codes: dict[str, int]
    ) -> None:
        last = PastAttempt(FAILED.past.model_copy(update={"codes": codes}), FAILED.draft)
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": [AT_FAULT, TO_ENVIRONMENT],
            "environment": [{"dockerfile": WITH_XML}],
        }
        run = WorkflowRun(agent_inputs(tmp_path, last), answers)
        assert (await run.draft()).draft == a_draft(WITH_XML)
        assert "needs a round in which tests ran" in run.client.last_messages("analyst")[1]

    async def test_giving_up_ends_with_the_analysts_reason(self, tmp_path: Path) -> None:
        run = WorkflowRun(
            agent_inputs(tmp_path, FAILED), {"analyst": [{"give_up": True, "reason": "Needs a GPU."}]}
        )
        with pytest.raises(GaveUp, match=r"^Needs a GPU\.$"):
            await run.draft()
        assert run.workflow.state.advised == [
            PastGuidance(
                round=0, outcome="StepFailed", guidance=Guidance(give_up=True, reason="Needs a GPU.")
            )
        ]

    async def test_without_a_valid_answer_of_the_analyst_the_usual_guidance_is_used(
        self, tmp_path: Path
    ) -> None:
        answers: dict[str, list[ScriptedAnswer]] = {
            "analyst": ["?"] * 4,
            "environment": [{"dockerfile": WITH_XML}],
            "tests": [TESTS],
        }
        run = WorkflowRun(agent_inputs(tmp_path, FAILED), answers)
        assert (await run.draft()).draft == a_draft(WITH_XML)
        assert GCC in run.opening("environment")

    async def test_without_feedback_no_outcome_is_shown_and_the_request_differs(self, tmp_path: Path) -> None:
        spec = an_agent_spec(ablation=Ablation(no_feedback=True))
        first, second = (
            WorkflowRun(agent_inputs(tmp_path, spec=spec), FIRST),
            WorkflowRun(
                agent_inputs(tmp_path, a_past_attempt(0, RoundOutcome.AFTER_FAILED, "telling"), spec=spec),
                FIRST | {"environment": [FIRST_DRAFT | {"dockerfile": WITH_XML}]},
            ),
        )
        await first.draft()
        await second.draft()
        assert second.client.roles_in_order() == ["explorer", "environment"]
        opening = second.opening("environment")
        assert "telling" not in opening and "AfterFailed" not in opening
        assert first.opening("environment") != opening
