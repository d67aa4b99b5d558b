"""The pod of `swefoundry open` is isolated as an evaluation is, and is no work of the operator."""

from builders import NONCE
from swefoundry.api.types import Validation
from swefoundry.contracts.evaluation import EvaluationSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.evaluation.open_pod import OpenRequest, open_pod
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod
from swefoundry.workloads.pod_spec import JsonDict

OWNER = Owner("TaskInstance", "here", "octo--calc-7", "0" * 8)
SETTINGS = Settings(runtime_class="gvisor", registry_secret="pull", node_lost_seconds=60)
VALIDATION = Validation(resources={"memory": "3Gi", "ephemeralStorage": "5Gi"})


def opened(**validation: str) -> JsonDict:
    request = OpenRequest(OWNER, "r/i@sha256:1", VALIDATION.model_copy(update=validation), 3600, "abc123")
    return open_pod(request, SETTINGS)


def evaluation() -> JsonDict:
    ref = AttemptRef(OWNER, Role.EVALUATION, "before-0", 0, NONCE)
    spec = EvaluationSpec(nonce=NONCE, stage="before", command="pytest", timeout_seconds=60)
    return evaluation_pod(ref, EvaluationRun("r/i@sha256:1", spec, VALIDATION), SETTINGS)


def test_it_differs_from_an_evaluation_in_what_runs_and_for_how_long_only() -> None:
    pod, other = opened(), evaluation()
    (container,), (of_evaluation,) = pod["spec"].pop("containers"), other["spec"].pop("containers")
    assert pod["spec"] == other["spec"] | {"activeDeadlineSeconds": 4500, "terminationGracePeriodSeconds": 1}
    assert container == of_evaluation | {"name": "testbed", "command": ["sleep", "3600"], "env": []}


def test_the_operator_does_not_watch_it_and_network_policies_select_it() -> None:
    assert opened(network="Allow")["metadata"] == {
        "name": "octo-calc-7-open-abc123",
        "namespace": "here",
        "labels": {
            "app.kubernetes.io/managed-by": "swefoundry-cli",
            "app.kubernetes.io/component": "open",
            "swefoundry.dev/role": "evaluation",
            "swefoundry.dev/network": "allow",
            "swefoundry.dev/owner-kind": "taskinstance",
            "swefoundry.dev/owner": "octo--calc-7",
        },
        "ownerReferences": evaluation()["metadata"]["ownerReferences"],
    }
