"""Wording of manifest problems, compared with a golden file."""

from golden_files import assert_golden
from swefoundry.api.validation.manifest import manifest_problems
from unit.api.malformed import REFUSED, Manifest, a_task

ENVELOPES: dict[str, Manifest] = {
    "a misspelt kind": {**a_task(), "kind": "TaskInstnce"},
    "another API version": {**a_task(), "apiVersion": "v1"},
    "a top-level field with a wrong case": {**a_task(), "Spec": {}},
    "a spec that is a list": {**a_task(), "spec": []},
    "a name that is not valid": {**a_task(), "metadata": {"name": "acme__adder-7"}},
    "no metadata": {name: value for name, value in a_task().items() if name != "metadata"},
}


def test_problems_of_manifests() -> None:
    manifests = ENVELOPES | {invalid.what: invalid.manifest for invalid in REFUSED}
    lines = [f"{what}: {problem}" for what, body in manifests.items() for problem in manifest_problems(body)]
    assert_golden("manifest-problems.txt", "".join(f"{line}\n" for line in lines))
