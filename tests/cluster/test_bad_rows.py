"""Rows that are wrong, unusual or by reference: the wrong ones end with a reason and a fix, the others are accepted."""

import asyncio
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.commands import LAB, ON_LAB, kubectl
from cluster.sample_instances import (
    GIT,
    NAMESPACE,
    SHELL_BUG,
    SHELL_FIX,
    Json,
    SampleRepository,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_repository,
    make_shell_repository,
    pods_of,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.names import repository

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB or not (LAB / "registry").exists(), reason="needs the lab's git server"),
]

HOST = "127.0.0.1:5000"
"""Address of the lab's registry on this machine; pods use registry.lab:5000."""

CLOSED_PORT = f"{GIT.rpartition(':')[0]}:80"
"""An address that network policies allow to intake pods and on which no server listens."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
OTHER_PNG = PNG[:8] + PNG[:7:-1]


def replaced_by(content: str = "", mode: int = 0o644, target: str = "") -> Callable[[Path], None]:
    """Replaces a path by a file with a mode, or by a symbolic link."""

    def make(path: Path) -> None:
        path.unlink(missing_ok=True)
        if target:
            path.symlink_to(target)
        else:
            path.write_text(content)
            path.chmod(mode)

    return make


ODD_FILES = {
    "old name.txt": "kept\n",
    "deleted.txt": "x\n",
    "link": replaced_by(target="deleted.txt"),
    "was-file": "x\n",
    "was-link": replaced_by(target="crlf.txt"),
    "tool.sh": "true\n",
    "crlf.txt": "a\r\nb\r\n",
    "no-newline.txt": "begin",
    "na\u00efve-\u540d.txt": "old\n",
    "logo.png": PNG,
}
ODD_FIX = {
    "old name.txt": None,
    "new name.txt": "kept\n",
    "deleted.txt": None,
    "link": replaced_by(target="crlf.txt"),
    "was-file": replaced_by(target="tool.sh"),
    "was-link": replaced_by("plain\n"),
    "tool.sh": replaced_by("true\n", mode=0o755),
    "crlf.txt": "a\r\nc\r\n",
    "no-newline.txt": "end",
    "na\u00efve-\u540d.txt": "new\n",
    "logo.png": OTHER_PNG,
}
ODD_TESTS = {
    "expected.png": OTHER_PNG,
    "check.sh": """set -e
[ ! -e "old name.txt" ]
[ "$(cat "new name.txt")" = kept ]
[ ! -e deleted.txt ]
[ "$(readlink link)" = crlf.txt ]
[ "$(readlink was-file)" = tool.sh ]
[ ! -L was-link ]
[ "$(cat was-link)" = plain ]
[ -x tool.sh ]
printf 'a\\r\\nc\\r\\n' | cmp - crlf.txt
printf end | cmp - no-newline.txt
[ "$(cat na\u00efve-\u540d.txt)" = new ]
cmp logo.png expected.png
""",
}


def stale(patch: str) -> str:
    """The patch with other context lines, so that it does not apply."""
    return patch.replace("-echo 41", "-echo 40")


async def _push(repo: str, data: bytes) -> str:
    async with RegistryClient(HOST, insecure=True) as registry:
        return await registry.put_blob(repository("swefoundry/tasks", repo), data)


def push(name: str, data: bytes) -> str:
    """Push a blob to an instance's repository; return its digest."""
    return asyncio.run(_push(f"lab/{name}", data))


def an_archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, content in SHELL_BUG.items():
            entry = tarfile.TarInfo(f"project-1.0/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()


def an_archived_task(name: str, repo: str, sha256: str = "") -> Json:
    """A task whose source is an archive that the lab's registry serves as a blob."""
    archive = an_archive()
    path = repository("swefoundry/tasks", f"lab/{repo}")
    url = f"http://registry.lab:5000/v2/{path}/blobs/{push(repo, archive)}"
    source = {"archive": {"url": url, "sha256": sha256 or hashlib.sha256(archive).hexdigest()}}
    task = a_task(
        name, make_shell_repository(repo), repo=f"lab/{repo}", instanceId=repo, source=source, version="1.0"
    )
    del task["spec"]["baseCommit"]
    return task


def a_private_repository(name: str, **changes: object) -> SampleRepository:
    return make_shell_repository(name, private=True, **changes)


def a_private_task(repo: SampleRepository, name: str, secret: str = "", **spec: object) -> Json:
    """A task with a private source; the lab's git server requires the user and password `lab`."""
    git: Json = {"url": repo.url.replace("://", "://lab@")}
    if secret:
        git["tokenSecretRef"] = {"name": secret, "key": "token"}
    return a_task(name, repo, **({"source": {"git": git}} | spec))


def a_secret_or_config_map(kind: str, name: str, data: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        ("stringData" if kind == "Secret" else "data"): data,
    }


def by_reference(name: str) -> list[Json]:
    """A task with its token in a Secret, its tests in a ConfigMap, and a fix of 5 MB in the registry."""
    data = "".join(f"{os.urandom(40).hex()}\n" for _ in range(65_000))
    repo = a_private_repository(name, fix=SHELL_FIX | {"data.txt": data})
    assert len(repo.gold_patch) > 5_000_000
    task = a_private_task(
        repo,
        name,
        f"{name}-right",
        goldPatch={"artifact": push(name, repo.gold_patch.encode())},
        testPatch={"configMapRef": {"name": name, "key": "test.patch"}},
    )
    maps = a_secret_or_config_map("ConfigMap", name, {"test.patch": repo.test_patch})
    # The task is created first: the objects that it names may follow.
    return [task, a_secret_or_config_map("Secret", f"{name}-right", {"token": "lab\n"}), maps]


Rows = Callable[[str, str], list[Json]]
"""Objects of a case; the arguments are its name and the name of a Secret and a ConfigMap that all rows share."""


def a_row(name: str, **changes: object) -> list[Json]:
    """A minimal valid row with changed fields: those of SampleRepository, or those of the spec."""
    repo = make_shell_repository(name)
    repository_changes = {
        key: changes.pop(key) for key in ("commit", "url", "gold_patch", "test_patch") if key in changes
    }
    return [a_task(name, replace(repo, **repository_changes), **changes)]


def stale_gold(name: str, shared: str) -> list[Json]:
    return a_row(name, gold_patch=stale(make_shell_repository(name).gold_patch))


def stale_tests(name: str, shared: str) -> list[Json]:
    repo = make_shell_repository(name, files=SHELL_BUG | {"check.sh": "true\n"})
    return [a_task(name, replace(repo, test_patch=repo.test_patch.replace("-true", "-false")))]


REFUSED: dict[str, tuple[Rows, str, str]] = {
    "stale-gold": (
        stale_gold,
        "GoldPatchDoesNotApply",
        "the gold patch does not apply: answer.sh, hunk 1 of 1 at line 1: ",
    ),
    "stale-tests": (
        stale_tests,
        "TestPatchDoesNotApply",
        "the test patch does not apply: check.sh, hunk 1 of 1 at line 1: ",
    ),
    "no-patch": (
        lambda name, shared: a_row(name, gold_patch="print the answer\n"),
        "GoldPatchDoesNotApply",
        "it is not a unified diff",
    ),
    "long-path": (
        lambda name, shared: a_row(name, test_patch=f"--- a/{LONG}\n+++ b/{LONG}\n@@ -1 +1 @@\n-a\n+b\n"),
        "TestPatchDoesNotApply",
        "…. It is applied to spec.baseCommit as it is: was it made against that?",
    ),
    "wrong-commit": (
        lambda name, shared: a_row(name, commit="f" * 40),
        "SourceMismatch",
        f".git has no commit {'f' * 40}",
    ),
    "no-repository": (
        lambda name, shared: a_row(name, url=f"{GIT}/no-such-repository.git"),
        "SourceUnreachable",
        "there is no git repository at http://git.lab:8418/no-such-repository.git: check the URL",
    ),
    "no-token": (
        lambda name, shared: [a_private_task(a_private_repository(name), name)],
        "SourceUnreachable",
        "name a secret with a token (tokenSecretRef)",
    ),
    "wrong-token": (
        lambda name, shared: [a_private_task(a_private_repository(name), name, shared)],
        "SourceUnreachable",
        "the git token was rejected: renew the secret",
    ),
    "wrong-sum": (
        lambda name, shared: [an_archived_task(name, name, sha256="1" * 64)],
        "SourceMismatch",
        f"not {'1' * 64}",
    ),
}
"""Case -> its objects, and the reason and a part of the message of its Ready condition."""

LATE_SECRET = "late-secret"
INCOMPLETE: dict[str, tuple[Rows, str]] = {
    LATE_SECRET: (
        lambda name, shared: [a_private_task(a_private_repository(name), name, f"{name}-token")],
        "-token with the key token does not exist; create it",
    ),
    "nobody-listens": (
        lambda name, shared: a_row(name, url=f"{CLOSED_PORT}/x.git"),
        "intake: HostUnavailable (http://git.lab:80/x.git did not answer: ",
    ),
    "no-config-map": (
        lambda name, shared: a_row(name, goldPatch=a_reference("no-such-config-map", "gold.patch")),
        "spec.goldPatch.configMapRef: ConfigMap no-such-config-map with the key gold.patch does not exist",
    ),
    "wrong-key": (
        lambda name, shared: a_row(name, testPatch=a_reference(shared, "tests.patch")),
        "with the key tests.patch does not exist",
    ),
}
"""Case -> its objects, which name something that is not there, and a part of the message while it is waited for."""

ACCEPTED: dict[str, Callable[[str], list[Json]]] = {
    "by-reference": lambda name: by_reference(name),
    "odd-files": lambda name: [a_task(name, make_repository(name, ODD_FILES, ODD_TESTS, ODD_FIX))],
    "long-name": lambda name: [an_archived_task(name, name[:30])],
    "suspended": lambda name: [a_task(name, make_shell_repository(name), suspend=True)],
}

LONG = "/".join(["long"] * 700)
"""A path longer than any field of a status."""

SLOW_BUILD = {"dockerfile": "FROM busybox:stable\nCOPY . /testbed\nRUN sleep 600\n", "testCommand": "true"}


def a_reference(name: str, key: str) -> Json:
    return {"configMapRef": {"name": name, "key": key}}


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Names of all rows, which are processed at the same time; each test waits for its own."""
    names_by_case = {case: unique(case) for case in (*REFUSED, *INCOMPLETE, *ACCEPTED, "expired", "deleted")}
    names_by_case["long-name"] = (names_by_case["long-name"] + "-long" * 50)[:252] + "x"
    shared = unique("rows")
    apply(
        a_secret_or_config_map("Secret", shared, {"token": "wrong"}),
        a_secret_or_config_map("ConfigMap", shared, {"test.patch": "x"}),
        a_task(
            names_by_case["deleted"],
            make_shell_repository(names_by_case["deleted"]),
            environment={"draft": SLOW_BUILD},
        ),
        *(item for case, make in ACCEPTED.items() for item in make(names_by_case[case])),
        *a_row(names_by_case["expired"], commit="e" * 40, ttlSecondsAfterFinished=1),
        *(item for case, (make, *_) in REFUSED.items() for item in make(names_by_case[case], shared)),
        *(item for case, (make, _) in INCOMPLETE.items() for item in make(names_by_case[case], shared)),
    )
    yield names_by_case
    delete(*names_by_case.values())
    reference = names_by_case["by-reference"]
    late = f"{names_by_case[LATE_SECRET]}-token"
    kubectl("delete", "secret", shared, late, f"{reference}-right", "-n", NAMESPACE, "--ignore-not-found")
    kubectl("delete", "configmap", shared, reference, "-n", NAMESPACE, "--ignore-not-found")


def builds_of(name: str) -> list[str]:
    """Phases of the instance's build pods."""
    return [pod["status"]["phase"] for pod in pods_of(name) if "-build-" in pod["metadata"]["name"]]


def test_an_instance_deleted_during_its_build_leaves_nothing(names):
    name = names["deleted"]
    wait_until(lambda: builds_of(name), lambda phases: phases == ["Running"])
    delete(name)
    wait_until(lambda: [get("ti", name), get("eb", name), pods_of(name)], lambda left: not any(left))


def test_a_suspended_instance_starts_nothing_until_it_is_resumed(names):
    name = names["suspended"]
    status = wait_until(
        lambda: get("ti", name).get("status", {}), lambda status: status.get("phase") == "Suspended"
    )
    assert condition(status, "Ready")["reason"] == "Suspended"
    assert pods_of(name) == []
    kubectl("patch", "ti", name, "-n", NAMESPACE, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    assert verdict_of(wait_until_finished(name)) == ("Validated", "fail2pass", "Fail2Pass")


def test_an_expired_instance_is_deleted_with_its_env_build_and_pods(names):
    name = names["expired"]
    wait_until(lambda: [get("ti", name), get("eb", name), pods_of(name)], lambda left: not any(left))


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_row_ends_with_its_reason_and_a_message_with_the_fix(names, case):
    _, reason, text = REFUSED[case]
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Failed", None, reason), condition(status, "Ready")
    assert text in condition(status, "Ready")["message"]
    assert condition(status, "Stalled")["status"] == "True"
    assert condition(status, "Validated")["status"] == "Unknown"
    wait_until(lambda: pods_of(names[case]), lambda pods: not pods)


@pytest.mark.parametrize("case", INCOMPLETE)
def test_a_row_whose_host_secret_or_config_map_is_not_there_waits_for_it(names, case):
    _, text = INCOMPLETE[case]
    status = wait_until(
        lambda: get("ti", names[case]).get("status", {}),
        lambda status: text in condition(status, "Reconciling").get("message", ""),
    )
    assert (status["phase"], condition(status, "Stalled")) == ("Intake", {})


def test_a_row_goes_on_by_itself_when_its_secret_appears(names):
    name = names[LATE_SECRET]
    apply(a_secret_or_config_map("Secret", f"{name}-token", {"token": "lab"}))
    assert verdict_of(wait_until_finished(name)) == ("Validated", "fail2pass", "Fail2Pass")


@pytest.mark.parametrize(
    "case",
    ["by-reference", "odd-files", "long-name"],
)
def test_an_unusual_row_is_validated(names, case):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), condition(status, "Ready")
    # The objects that by-reference names are created after the row: how often intake is retried depends on timing.
    assert case == "by-reference" or status["infraRetries"] <= 2
