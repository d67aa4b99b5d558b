"""The evaluation pod gets its spec as it was written, whatever Kubernetes does with variables."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from builders import NONCE
from swefoundry.api.types import Validation
from swefoundry.contracts.evaluation import EvaluationSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod


def value_of(command: str) -> str:
    ref = AttemptRef(Owner("EnvBuild", "here", "one", "0" * 8), Role.EVALUATION, "before-0", 0, NONCE)
    spec = EvaluationSpec(nonce=NONCE, stage="before", command=command, timeout_seconds=60)
    pod = evaluation_pod(ref, EvaluationRun("image", spec, Validation()), Settings())
    return str(pod["spec"]["containers"][0]["env"][0]["value"])


def test_a_spec_for_root_has_no_user_because_an_older_runner_knows_none() -> None:
    assert "runAsUser" not in value_of("pytest")


def expanded(value: str) -> str:
    """What the kubelet makes of a value: https://kubernetes.io/docs/tasks/inject-data-application."""
    return re.sub(r"\$\$|\$\(([^)]*)\)", lambda found: "$" if found[0] == "$$" else "EXPANDED", value)


@given(st.text(alphabet="$(){}HOME 1\\"))
@example("kill -SEGV $$")
@example("pytest $(cat files) > $HOME/$$.log")
def test_a_command_with_dollar_signs_reaches_the_runner_as_it_is(command: str) -> None:
    spec = EvaluationSpec.model_validate_json(expanded(value_of(command)))
    assert spec.command == command


def test_other_dollar_signs_are_left_alone() -> None:
    assert '"command":"echo $HOME ${HOME}"' in value_of("echo $HOME ${HOME}")
